"""Suggest next steps from the numbers of a run, with commands that work as printed.

`next_steps.py` orders the steps of the other modules; start reading there.
"""
