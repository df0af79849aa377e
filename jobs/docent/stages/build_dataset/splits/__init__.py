"""Assign pairs and pictures to splits, and count what the test shares with training.

All functions are pure functions of rows.
Start reading at `pairing.py`.
"""
