"""The data set on its way to a repository of the Hugging Face hub.

`preflight` finds what would stop it before the work begins, `delivery` pushes a complete data set and writes down how
that ended, `upload` makes the commits, `plan` decides what is uploaded, kept and deleted, `card_merge` keeps what
people wrote into the card.
"""
