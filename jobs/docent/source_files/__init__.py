"""Read what stands outside a run: the raw files of its sources, their digests, titles and licences.

`walk` lists files, `digests` hashes them, `hash_index` remembers hashes between runs.
Start reading at `walk.py`.
"""
