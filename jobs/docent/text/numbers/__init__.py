"""Normalise numbers, units and opposites, so that an answer can be compared with its source.

`marks` handles the notations of other countries; `decisive` distinguishes repeats from contradictions.
Start reading at `numbers.py`.
"""
