"""Read the outputs of other stages into the plain values that the report shows.

One module per subject: counts, training, samples, answers, and side files such as `summary.json`.
Start reading at `funnel.py`.
"""
