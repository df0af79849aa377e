"""The launcher inside the cluster: create the workload of each unit in order and record how it ends.

`working` judges one workload; `ledger` keeps the state ConfigMap.
Start reading at `conduct.py`.
"""
