"""Write English pairs of each question type from the sentences, steps and tables of a section.

`writers` has the types that choose from `pairs`; the others have a module each.
Start reading at `pairs.py`.
"""
