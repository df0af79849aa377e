"""Parse Markdown: blocks with their lines, figures, footnotes, formulas, HTML, and the statements a text makes.

Nothing here opens files or knows of documents.
Start reading at `blocks.py`.
"""
