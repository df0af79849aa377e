"""Record every request before it is sent and every reply once it arrives, so that nothing is paid for twice.

Each process writes a file of its own (`writer`), reads those of all others (`reader`, `index`) and claims requests
(`claims`); `expected` notices a deleted journal.
Start reading at `journal.py`.
"""
