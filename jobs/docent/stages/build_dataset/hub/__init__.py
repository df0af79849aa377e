"""Push the data set to a repository on the Hugging Face hub.

`plan` decides what to change, `upload` commits the changes, and `card_merge` keeps people's edits of the card.
Start reading at `delivery.py`.
"""
