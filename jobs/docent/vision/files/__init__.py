"""Handle picture files: formats, colour, orientation, frames, size limits, and files for publication.

Stages decode pictures only with `../photos.py`, which uses these modules.
Start reading at `formats.py`.
"""
