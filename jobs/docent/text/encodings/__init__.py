"""Decode text files in current and legacy encodings, and handle surrogates, invisible characters and CSV formulas.

Nothing here opens files.
Start reading at `decode.py`.
"""
