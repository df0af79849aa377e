"""Write pairs in languages other than English, from patterns and frames in data files.

`patterns` are the sentence forms; `tables` and `summary` need no grammar.
Start reading at `writers.py`.
"""
