"""Compose and clean the text that docent prints.

Formats counts, lists and suggested commands, masks secrets, and escapes control characters.
Nothing here reads or writes files.
Start reading at `printing.py`.
"""
