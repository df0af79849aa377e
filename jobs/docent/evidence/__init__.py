"""Score answers: metrics, intervals, significance tests, recognition of exhibits, and test data that is in training.

Pure functions over rows; only `encoder` loads a model.
Start reading at `metrics.py`.
"""
