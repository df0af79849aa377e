"""Ask about tables: cells, comparisons, faults with their remedies.

`tables` reads a table, `columns` says what its columns hold.
Start reading at `questions.py`.
"""
