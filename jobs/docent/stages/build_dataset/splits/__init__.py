"""Assign pairs and pictures to splits, and count what the test shares with training.

Pure functions over rows.
Start reading at `pairing.py`.
"""
