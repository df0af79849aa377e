"""Process text: sentences, numbers, names, languages, chunks, repeats.

`markdown/`, `numbers/` and `encodings/` are subpackages for larger topics.
Start reading at `sentences.py`.
"""
