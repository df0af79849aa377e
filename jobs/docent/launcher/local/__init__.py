"""Run a pipeline on this machine: checks before it, one process per shard, and why a process ended.

`run` schedules units, `shards` starts the processes.
Start reading at `run.py`.
"""
