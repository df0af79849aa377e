"""Export the data set row by row to the formats that other tools load.

`exporting` passes every row to all writers; each other module writes one format.
Start reading at `exporting.py`.
"""
