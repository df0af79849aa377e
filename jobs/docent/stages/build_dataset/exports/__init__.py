"""Write the data set in the forms that other tools load, row by row.

`exporting` feeds every row to every file.
Start reading at `exporting.py`.
"""
