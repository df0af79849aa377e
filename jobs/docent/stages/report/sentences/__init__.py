"""Write the sentences of the report: verdict, cautions, findings, and the glossary.

The functions take values and return sentences; they do not read the run.
Start reading at `verdict.py`.
"""
