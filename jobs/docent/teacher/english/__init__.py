"""Write pairs about sections in English.

`grammar/` finds the questions that a sentence answers, `tables/` those of a table; `writers/` has the question types.
Start reading at `writers/pairs.py`.
"""
