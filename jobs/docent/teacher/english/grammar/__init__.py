"""Find the questions that an English sentence answers, and word them.

`clauses` finds subject and verb; `sentences` tries the patterns of `actions` and `states`, `instructions` handles
orders.
Start reading at `sentences.py`.
"""
