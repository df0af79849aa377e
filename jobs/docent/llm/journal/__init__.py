"""Record every request before it is sent and every reply when it arrives, so that no recorded reply is paid for twice.

Each process writes its own file (`writer`), reads the files of all others (`reader`, `index`) and claims requests
(`claims`); `expected` detects a deleted journal.
Start reading at `journal.py`.
"""
