"""What talks to a Kubernetes API server: the client, the record of a run, the launcher inside the cluster.

The package `kubernetes` is imported only below this folder, and only where a connection is made.
"""
