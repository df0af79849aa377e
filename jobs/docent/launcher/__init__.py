"""The launcher: plans a run, carries it out, shows how it stands."""
