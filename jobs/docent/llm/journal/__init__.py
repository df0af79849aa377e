"""Record every request before it is sent and every reply once it arrives, so that nothing is paid for twice.

`owners` tells a live process from a dead one; `expected` notices a deleted journal.
Start reading at `journal.py`.
"""
