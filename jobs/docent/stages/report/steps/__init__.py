"""Suggest next steps from the numbers of a run, with commands that work as printed.

`next_steps` puts the steps of the other modules in page order.
Start reading at `next_steps.py`.
"""
