"""Copy data onto and off the volume of a run, through a pod that exists as long as the transfer.

`archive` and `extraction` are the two ends of the stream.
Start reading at `transfer.py`.
"""
