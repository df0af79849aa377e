"""Assign pairs and pictures to splits, and measure the overlap of test and training.

All functions are pure functions of rows.
Start reading at `pairing.py`.
"""
