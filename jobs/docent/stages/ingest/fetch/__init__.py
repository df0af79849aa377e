"""Fetch pictures that table rows link to, from listed hosts only, bounded in size and time.

`images` fetches for rows, `http` makes one exchange, `address` rejects private networks.
Start reading at `fetch.py`.
"""
