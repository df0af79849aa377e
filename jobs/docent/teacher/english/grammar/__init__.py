"""English grammar for the teacher: which question a sentence answers, and how it is put.

`sentences` tries the forms of `actions`, `states` and `instructions` in turn.
Start reading at `sentences.py`.
"""
