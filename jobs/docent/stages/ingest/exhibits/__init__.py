"""Load exhibits with their photos: from one folder per exhibit, or from a CSV that names the files.

`folder_loader` and `csv_loader` are the loaders.
Start reading at `folder_loader.py`.
"""
