"""The stages: one module or folder each, named like its row of `STAGES`. None imports another."""
