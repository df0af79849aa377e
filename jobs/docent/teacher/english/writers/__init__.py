"""Write English pairs of each question type from the sentences, steps and tables of a section.

`writers` has the types that choose from `pairs`; each other type has its own module.
Start reading at `pairs.py`.
"""
