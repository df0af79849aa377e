"""Score answers: metrics, intervals, significance tests, recognition of exhibits, and leaks of test data into training.

Pure functions over rows; only `encoder` loads a model.
Start reading at `metrics.py`.
"""
