"""Photographs: safe decoding, quality, hashes, augmentation, splits."""
