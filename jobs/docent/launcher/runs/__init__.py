"""Describe a run: the state of its units, progress, time left, settings, trace of a row, what can be deleted.

Only `garbage` deletes; everything else reads. `unit_state.py` defines the state of a unit for both backends.
Start reading at `folder.py`.
"""
