"""Run a pipeline in a Kubernetes cluster: from preflight and launch to the state shown to users.

`api/` calls the API server, `controller/` runs inside the cluster,
`watch/` observes from outside, `transfer/` copies data.
Start reading at `start.py`.
"""
