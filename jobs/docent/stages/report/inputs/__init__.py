"""Read the outputs of other stages as the plain values that the report shows.

There is one module per topic: counts, sections, training, samples, answers, generation settings and titles.
Start reading at `funnel.py`.
"""
