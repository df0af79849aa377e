"""Write pairs to a page and a CSV for people to review, and read their decisions back.

`edits` reads decisions; `earlier_decisions` keeps them when the review files are written again.
Start reading at `review.py`.
"""
