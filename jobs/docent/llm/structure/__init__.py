"""Get structured replies: JSON constrained to a schema if the endpoint supports it, otherwise parsed strictly.

`typed` and `dialogue` are the two forms of replies that docent requests.
Start reading at `structure.py`.
"""
