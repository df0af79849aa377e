"""Ask models: one client for every stage, paced, journalled, and paid for once.

`wire/` speaks HTTP, `pace/` decides when, `journal/` remembers, `structure/` reads replies, `batch/` uses batch APIs.
Start reading at `client.py` (`ask`), then `sender.py`.
"""
