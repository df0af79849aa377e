"""Measure answers: metrics, intervals and tests, which exhibit an answer is about, and what test shares with training.

Pure functions over rows; only `encoder` loads a model.
Start reading at `metrics.py`.
"""
