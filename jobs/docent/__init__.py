"""docent: turn raw exhibits into a fine-tuned vision-language model, and measure what it knows.

`stages/` does the work, `launcher/` starts it, and the modules here are shared by both: rows, folders, hashes.
Libraries used by several stages have their own folders: `llm/`, `teacher/`, `convert/`, `models/`, `vision/`, `text/`.
Start reading at `pipeline.py`, the table of stages.
"""

__version__ = "0.1.0"
