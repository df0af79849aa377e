"""Ask models: one client for all stages, with rate limits, a journal of replies, and spending limits.

`wire/` sends HTTP requests, `pace/` decides when to send, `journal/` records replies, `structure/` parses them,
`batch/` uses batch APIs.
Start reading at `client.py` (`ask`), then `sender.py`.
"""
