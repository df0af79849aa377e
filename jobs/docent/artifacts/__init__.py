"""Write the output of a unit to its run folder durably: rows, rejects, markers, and `_SUCCESS.json`.

`durable` writes single files, `parts` streams rows, `commit` publishes a shard;
the other modules read side files and check them.
Start reading at `commit.py`.
"""
