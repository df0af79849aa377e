"""Get structured replies: JSON held to a schema where an endpoint supports it, parsed strictly where it does not.

`typed` and `dialogue` are the two forms that docent asks for.
Start reading at `structure.py`.
"""
