"""Decode text files of any age, and handle characters that need care: surrogates, invisible ones, spreadsheet formulas.

Nothing here opens files.
Start reading at `decode.py`.
"""
