"""The verbs of the command `docent`, one module per kind.

`cluster/` holds verbs that need a cluster, `output/` formats what they print; `launcher/cli.py` lists all of them.
Start reading at `run.py`.
"""
