"""Write pairs about sections in English.

`grammar/` finds the questions that a sentence answers, `tables/` those that a table answers; `writers/` has the
question types.
Start reading at `writers/pairs.py`.
"""
