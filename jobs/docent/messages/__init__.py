"""Compose and clean the text that docent prints.

Counts and lists, commands to run next, secrets masked, control characters escaped.
Nothing here reads or writes files.
Start reading at `printing.py`.
"""
