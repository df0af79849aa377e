"""Process photographs: quality, hashes, augmentation, splits; `files/` decodes and publishes them.

Nothing here knows of runs.
Start reading at `quality.py`.
"""
