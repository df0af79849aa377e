"""The verbs of the command `docent`, one module per kind.

`cluster/` holds those that need a cluster, `output/` what they print; `launcher/cli.py` lists them all.
Start reading at `run.py`.
"""
