"""The verbs of the command `docent`, one small module per kind; `launcher/cli.py` lists them all.

Each verb is thin: it reads the configuration, calls one module, prints a table or a path. Nothing heavy is imported
before a verb needs it.
"""
