"""Run a pipeline in a Kubernetes cluster: from preflight and launch to the state that people see.

`api/` talks to the server, `controller/` runs inside the cluster,
`watch/` observes from outside, `transfer/` moves data.
Start reading at `start.py`.
"""
