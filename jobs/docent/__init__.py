"""docent: raw exhibits in, a vision-language model that knows them out, with proof.

`stages/` holds the work, `launcher/` starts it, and the modules here are what both share: rows, folders, hashes.
Libraries of several stages have folders of their own: `llm/`, `teacher/`, `convert/`, `models/`, `vision/`, `text/`.
Start reading at `pipeline.py`, the table of stages.
"""

__version__ = "0.1.0"
