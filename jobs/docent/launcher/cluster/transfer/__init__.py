"""Copy data to and from the volume of a run, through a pod that exists only during the transfer.

`archive` packs the stream, and `extraction` unpacks it.
Start reading at `transfer.py`.
"""
