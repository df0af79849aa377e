"""Format what the verbs print: tables, status, closing lines of a run.

Text for people and JSON for programs.
Start reading at `tables.py`.
"""
