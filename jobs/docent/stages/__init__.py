"""The stages: one module or folder each, named like its row of `STAGES`.

A stage is a generator of rows; none imports another.
Start reading at `docent/pipeline.py`, then at the stage that you are after.
"""
