"""Read a text in any language: its statements, its blocks, and the dependencies between sentences.

This package writes no questions. `words` has the wordings and word lists of each language.
Start reading at `statements.py`.
"""
