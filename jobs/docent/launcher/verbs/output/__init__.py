"""Format the output of verbs: tables, status, closing lines of a run.

Writes text for people and JSON for programs.
Start reading at `tables.py`.
"""
