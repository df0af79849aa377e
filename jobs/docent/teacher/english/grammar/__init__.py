"""Find the questions that an English sentence answers, and word them.

`clauses` finds subject and verb; `sentences` tries the patterns of `actions` and `states`; `instructions` handles
instructions.
Start reading at `sentences.py`.
"""
