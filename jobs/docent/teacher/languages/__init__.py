"""Write pairs about sections in languages other than English, from sentence patterns and wordings in `data/`.

`patterns` finds the questions of a sentence; `tables`, `summary` and `judged` need no grammar.
Start reading at `writers.py`.
"""
