"""Process photographs: quality, hashes, augmentation, splits; `photos.py` decodes them with `files/`.

Nothing here depends on runs.
Start reading at `quality.py`.
"""
