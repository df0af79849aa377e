"""Find the questions that an English sentence answers, and put them into words.

`clauses` finds subject and verb; `sentences` tries the forms of `actions` and `states`, `instructions` those of orders.
Start reading at `sentences.py`.
"""
