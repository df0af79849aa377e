"""Read one page of a PDF: its lines, fonts, tables, figures and form fields.

Runs in the child process that `../process.py` starts.
Start reading at `reader.py`.
"""
