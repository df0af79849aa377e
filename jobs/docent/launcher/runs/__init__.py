"""Describe a run: the state of its units, progress, time left, settings, the trace of a row, files that can be deleted.

Only `garbage` deletes files. `unit_state.py` defines the state of a unit for both backends.
Start reading at `folder.py`.
"""
