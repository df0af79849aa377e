"""Read the sources of a run, which are outside it: raw files, their digests, titles and licences.

`walk` lists files, `digests` hashes them, `hash_index` stores hashes between runs.
Start reading at `walk.py`.
"""
