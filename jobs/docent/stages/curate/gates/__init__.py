"""Check one pair against its source: the gates that reject it and the warnings that mark it.

Each gate is a function and a row of a table.
Start reading at `gates.py`, which holds the two tables.
"""
