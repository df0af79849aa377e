"""Run a pipeline on this machine: preflight checks, one process per shard, and the causes of failures.

`run` prepares a launch, `backend` starts one process per shard for the scheduler.
Start reading at `run.py`.
"""
