"""Convert, merge and validate data sets that are plain files: no run and no configuration.

One module per command of `docent convert` and `docent validate`; `trainers/` holds the file formats of other trainers.
Start reading at `chat.py`; `conversations.py` lists the forms that are read.
"""
