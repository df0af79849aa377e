"""Load tables: CSV files and workbooks, one document per row.

`csv_loader` and `xlsx_loader` are the loaders; `row_documents` builds the document of a row.
Start reading at `csv_loader.py`.
"""
