"""Decode untrusted pictures: formats, colour, orientation, size limits; and write those that are published.

`photos.decode` is the only function that stages decode pictures with.
Start reading at `photos.py`.
"""
