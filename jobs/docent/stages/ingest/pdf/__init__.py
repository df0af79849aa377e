"""Load PDFs: pages read in a child process, put in order and cut into sections.

`page/` reads a single page; `layouts` holds the four layouts that a configuration can choose.
Start reading at `loader.py`.
"""
