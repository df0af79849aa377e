"""Run a pipeline on this machine: checks before it, one process per shard, and why a process ended.

`run` prepares a launch, `backend` starts one process per shard for the scheduler.
Start reading at `run.py`.
"""
