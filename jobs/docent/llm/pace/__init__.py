"""Decide when a request may be sent: rates, concurrency, daily allowances, budget and retries.

`limits` follows rate-limit headers and 429s; `budget` reserves money before a request.
Start reading at `pacing.py`.
"""
