"""Parts of `scripts/train-docent-tiny.py`: shapes, views, captions, model and training."""
