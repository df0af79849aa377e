"""Parse Markdown: blocks with their lines, figures, footnotes, formulas, HTML, and the statements a text makes.

Nothing here opens files or depends on documents.
Start reading at `blocks.py`.
"""
