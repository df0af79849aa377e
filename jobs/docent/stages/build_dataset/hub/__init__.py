"""Push the data set to a repository of the Hugging Face hub.

`plan` decides what changes, `upload` commits it, `card_merge` keeps what people edited there.
Start reading at `delivery.py`.
"""
