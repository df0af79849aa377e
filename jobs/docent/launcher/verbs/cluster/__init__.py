"""Verbs that act on a run in a cluster, and verbs that run only inside pods.

`target` finds the cluster and the run; `on_cluster` implements verbs that also have a local form.
Start reading at `on_cluster.py`.
"""
