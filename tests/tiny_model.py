"""A random two-layer Idefics2 with its own tokenizer and processor, made in a second without the network."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, Idefics2Config, Idefics2ForConditionalGeneration, Idefics2Processor
from transformers import PreTrainedTokenizerFast as FastTokenizer
from transformers.models.idefics2.image_processing_pil_idefics2 import Idefics2ImageProcessorPil

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "<fake_token_around_image>", "<end_of_utterance>"]
TEMPLATE = (
    "{% for message in messages %}{{message['role'].capitalize()}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
SIDE_PX = 28
LATENTS = 4


def save_tiny_model(folder: Path, seed: int = 0) -> Path:
    """Write model and processor into `folder`; the same seed gives the same weights."""
    processor = _processor()
    torch.manual_seed(seed)
    model = Idefics2ForConditionalGeneration(_config(len(processor.tokenizer)))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.normal_(std=0.25)
    model.tie_weights()
    model.generation_config = GenerationConfig(
        do_sample=False, pad_token_id=0, bos_token_id=1, eos_token_id=[2, SPECIAL.index("<end_of_utterance>")]
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _processor() -> Idefics2Processor:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(["User: What is this? Assistant: This is a red cube made of brass."] * 5, trainer)
    tokenizer = FastTokenizer(
        tokenizer_object=bpe,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=SPECIAL[4:],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    pictures = Idefics2ImageProcessorPil(
        do_image_splitting=False,
        size={"longest_edge": SIDE_PX, "shortest_edge": SIDE_PX},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return Idefics2Processor(pictures, tokenizer, image_seq_len=LATENTS, chat_template=TEMPLATE)


def _config(vocabulary: int) -> Idefics2Config:
    vision = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": SIDE_PX, "patch_size": 7,
    }  # fmt: skip
    connector = {
        "hidden_size": 32, "rms_norm_eps": 1e-5, "resampler_n_latents": LATENTS, "resampler_depth": 1,
        "resampler_n_heads": 2, "resampler_head_dim": 16, "num_key_value_heads": 2,
    }  # fmt: skip
    text = {
        "model_type": "mistral", "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 16, "num_key_value_heads": 1,
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "sliding_window": None, "tie_word_embeddings": True,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    return Idefics2Config(
        vision_config=vision,
        perceiver_config=connector,
        text_config=text,
        image_token_id=SPECIAL.index("<image>"),
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
