"""Read a section for the teacher: sentences, blocks, amounts, models, prices, references to other text.

Nothing here writes questions.
Start reading at `source.py`.
"""
