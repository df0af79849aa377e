"""Process text: sentences, numbers, names, languages, chunks, repeats.

`markdown/`, `numbers/` and `encodings/` are rooms of their own.
Start reading at `sentences.py`.
"""
