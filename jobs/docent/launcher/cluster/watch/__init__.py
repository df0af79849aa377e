"""Observe a run in a cluster: objects, logs, and the one-line reason why a unit waits or failed.

`observing` keeps local copies of objects up to date; the other modules interpret them.
Start reading at `attach.py`.
"""
