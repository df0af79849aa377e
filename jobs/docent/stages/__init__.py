"""Generate the rows of each stage, in one module or folder per row of `STAGES`.

A stage is a generator of rows; none imports another.
Start reading at `docent/pipeline.py`, then open the module of the stage.
"""
