"""Give a model a padding token if its tokenizer has none, as Idefics2's first release.

The rows that this adds to the embeddings are saved with an adapter, so that other programs can load it too.
"""

from typing import Any

import torch

PAD = "<pad>"
_ADDED = "docent_added_embedding_rows"


@torch.no_grad()
def add_pad_token(model: Any, processor: Any) -> None:
    """Add a padding token to the tokenizer, and a row for it to the embeddings if they have no spare one.

    A new row is the mean of the others, the same in every process: random numbers would differ between them.
    """
    tokenizer = processor.tokenizer
    if tokenizer.pad_token is not None:
        return
    tokenizer.add_special_tokens({"pad_token": PAD})
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        tables = {model.get_input_embeddings().weight, model.get_output_embeddings().weight}  # one if they are tied
        for table in tables:
            table[rows:] = table[:rows].mean(dim=0)
        setattr(model, _ADDED, len(tokenizer) - rows)
    model.config.pad_token_id = model.config.get_text_config().pad_token_id = tokenizer.pad_token_id


def has_added_rows(model: Any) -> bool:
    """Return whether `add_pad_token` made the embeddings larger than those of the base model's files."""
    return getattr(model, _ADDED, 0) > 0
