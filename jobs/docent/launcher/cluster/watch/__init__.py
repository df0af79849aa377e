"""Observe a run in a cluster: objects, logs, and the one line that says why a unit waits or failed.

`observing` keeps lists and watches; the rest describes what they hold.
Start reading at `attach.py`.
"""
