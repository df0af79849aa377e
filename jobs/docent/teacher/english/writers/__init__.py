"""Write English pairs of each question type from the sentences, steps and tables of a section.

One module per kind of pair.
Start reading at `pairs.py`.
"""
