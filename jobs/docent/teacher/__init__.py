"""The offline teacher: write questions and answers from the text itself, without a model and without a network.

`source/` reads a section, `english/` and `languages/` hold wording,
`english_writers/` and `tables/` write pairs, `data/` holds word lists.
Start reading at `offline.py`, which answers one request.
"""
