"""Parts of Idefics2 models: text model, connector and vision tower.

Source of the structure: transformers' `modeling_idefics2.py`. `encode_pictures` and `connect` split its
`get_image_features` into two steps, so that the output of a frozen vision tower can be reused in later training steps.
"""

from collections.abc import Iterable
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

# All projections of the language model and the connector, but none of the vision tower.
LORA_TARGETS = r".*(text_model|connector).*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
VISION_TOWER = "vision_model"
END_OF_ANSWER = "<end_of_utterance>"


def layers(model: Any) -> Iterable[torch.nn.Module]:
    """Return the layers of the text model."""
    return list(model.model.text_model.layers)


def encode_pictures(model: Any, pixels: torch.Tensor, pixel_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the vision tower on each picture.

    Args:
        model: an `Idefics2ForConditionalGeneration`.
        pixels: shape (n, 3, height, width).
        pixel_mask: shape (n, height, width); zero marks padding.

    Returns:
        The last hidden state (n, patches, width), and a bool mask (n, patches) of the patches without padding.
    """
    size = model.config.vision_config.patch_size
    patches = pixel_mask.bool().unfold(1, size, size).unfold(2, size, size).all(dim=-1).all(dim=-1)
    tower = model.model.vision_model  # its dtype may differ from that of the trained weights
    output = tower(pixel_values=pixels.to(tower.dtype), patch_attention_mask=patches, return_dict=True)
    return output.last_hidden_state, patches.flatten(1)


def connect(model: Any, hidden: torch.Tensor, patches: torch.Tensor) -> dict[str, Any]:
    """Return the arguments of the forward pass that replace the pictures, from the tower's output; one per row."""
    latents = model.model.connector(hidden, attention_mask=patches)
    pooled = BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=list(latents))
    return {"mm_encoder_outputs": {"image": pooled}}
