"""Load PDFs: read the pages in a child process, order their text, and cut it into sections.

`page/` reads a single page; `layouts` holds the four layouts that a configuration can choose.
Start reading at `loader.py`.
"""
