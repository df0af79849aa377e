"""The launcher: parse the command line, plan a run, carry it out on this machine or in a cluster, describe it.

`verbs/` are the commands, `runs/` reads run folders,
`local/` and `cluster/` execute, `render/` makes Kubernetes objects.
Start reading at `cli.py`.
"""
