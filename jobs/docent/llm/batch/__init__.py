"""Send requests through the batch API of an endpoint, for half the price.

`round` writes files and submits them, `results` records the replies.
Start reading at `batch.py`.
"""
