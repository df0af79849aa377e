"""Check one pair against its source: gates reject the pair, warnings mark it.

Each gate is a function and a row of a table.
Start reading at `gates.py`, which has the two tables.
"""
