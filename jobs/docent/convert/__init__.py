"""Convert, merge and validate data sets in plain files, without a run or a configuration.

One module per command of `docent convert` and `docent validate`; `trainers/` contains the file formats of other
trainers. Start reading at `chat.py`; `conversations.py` lists the input formats.
"""
