"""Read the outputs of other stages into the plain values that the report shows.

One module per subject: counts, training, samples, what became of photos and pairs.
Start reading at `funnel.py`.
"""
