"""The launcher: parse the command line, plan a run, execute it on this machine or in a cluster, report on it.

`verbs/` holds the commands, `runs/` reads run folders,
`local/` and `cluster/` execute, `render/` builds Kubernetes objects.
Start reading at `cli.py`.
"""
