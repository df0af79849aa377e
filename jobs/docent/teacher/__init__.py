"""Write questions and answers from a text itself: the offline teacher, without a model and without a network.

`source/` reads texts, `english/` and `languages/` find questions and write pairs, `data/` has wordings and word lists.
Exhibits: `visitor.py`, `answers.py`, `guide.py`. Documents: `typed.py`, `section.py`.
Start reading at `offline.py`, which answers one request.
"""
