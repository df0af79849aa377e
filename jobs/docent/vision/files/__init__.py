"""Decode untrusted pictures (formats, colour, orientation, size limits), and write pictures for publication.

Stages decode pictures only with `photos.decode`.
Start reading at `photos.py`.
"""
