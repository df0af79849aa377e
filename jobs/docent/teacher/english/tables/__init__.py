"""Write questions about English tables: cells and rows, comparisons, faults with their remedies.

`table` reads a table and its kind, `labels` its headings; `columns` words the question about one value.
Start reading at `questions.py`.
"""
