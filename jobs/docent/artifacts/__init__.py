"""Write what a unit leaves in a run folder, durably: rows, rejects, markers, and `_SUCCESS.json`.

`durable` writes single files, `parts` streams rows, `commit` publishes a shard;
the rest reads side files and checks them.
Start reading at `commit.py`.
"""
