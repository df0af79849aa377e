"""Describe a run folder: state of its units, progress, time left, settings, trace of a row, what can be deleted.

Only `garbage` deletes; everything else reads.
Start reading at `state.py`.
"""
