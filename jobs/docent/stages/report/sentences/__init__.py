"""Word what the report says: verdict, cautions, findings, and the terms that it explains.

Values in, sentences out; nothing here reads a run.
Start reading at `verdict.py`.
"""
