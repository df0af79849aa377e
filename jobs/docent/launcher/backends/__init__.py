"""Where shards run: one module per backend, the same four verbs each."""
