"""Verbs that act on a run in a cluster, and the two that run only inside pods.

`target` finds the cluster and the run; `on_cluster` holds the cluster form of verbs that have a local one.
Start reading at `on_cluster.py`.
"""
