"""Load Markdown and plain text: documents with sections, facts and the figures they refer to.

`markdown` and `text_file` are the loaders.
Start reading at `markdown.py`.
"""
