"""Process photographs: quality, hashes, augmentation, splits; `files/` decodes and publishes them.

Nothing here depends on runs.
Start reading at `quality.py`.
"""
