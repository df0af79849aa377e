"""Decode untrusted pictures: formats, colour, orientation, size limits; and write those that are published.

`photos.open` is the one way in.
Start reading at `photos.py`.
"""
