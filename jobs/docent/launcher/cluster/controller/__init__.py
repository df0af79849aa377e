"""The launcher inside the cluster: create the workload of each unit in order and record how it ends.

`backend` runs units as workloads for the scheduler; `state_record` updates the state ConfigMap.
Start reading at `controller.py`.
"""
