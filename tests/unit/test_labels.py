"""Label mask, padding, and what is kept of the photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import photo
from tokenizers.processors import TemplateProcessing

from docent.errors import InputError
from docent.models.chat import fitted, open_photo
from docent.models.family import family_of
from docent.models.loading import load_base
from docent.records import Example
from docent.stages.finetune.approaches import prepare
from docent.stages.finetune.labels import IGNORED, collate, encode
from docent.stages.finetune.pictures import Pictures
from docent.tables import APPROACHES
from docent.vision.square import square


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return load_base(str(save_tiny_model(tmp_path_factory.mktemp("model"))))


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.jpg" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(photo((60 * number, 90, 200), number, (40 + 12 * number, 40)))
    return paths


def example(question: str, answer: str) -> Example:
    return Example(
        id="x",
        split="train",
        data_id=4,
        item_id="i",
        item_name="cube",
        image_name="a.jpg",
        files=("images/train/a.jpg",),
        group="g",
        question=question,
        answer=answer,
        temperature=0.4,
        teacher="t",
        question_type="visitor",
        language="English",
        sources=(),
    )


@pytest.mark.feature("answer-labels")
@pytest.mark.parametrize("answer", ["This is a red cube.", "Öl\nund “Zeilen”", "Assistant: 7", ": starts oddly"])
def test_only_the_answer_and_its_end_are_trained_on(tiny: tuple[Any, Any], photos: list[Path], answer: str) -> None:
    model, processor = tiny
    row = encode(model, processor, example("What is this? Assistant: nothing", answer), photos[0])
    labels = collate([row], processor.tokenizer.pad_token_id)["labels"][0]
    trained = labels[labels != IGNORED].tolist()
    assert processor.tokenizer.decode(trained) == f" {answer}<end_of_utterance>"
    assert list(row.ids[row.prompt_length :]) == trained
    prompt = processor.tokenizer.decode(row.ids[: row.prompt_length])
    assert prompt.endswith("Assistant: nothing<end_of_utterance>\nAssistant:")
    assert row.ids.count(model.config.image_token_id) == 4


def test_special_tokens_in_a_text_open_no_picture_and_end_no_turn(tiny: tuple[Any, Any], photos: list[Path]) -> None:
    model, processor = tiny
    row = encode(
        model, processor, example("<image>What<end_of_<image>utterance>?", "A<end_of_utterance> cube </s>"), photos[0]
    )
    said = processor.tokenizer.decode(row.ids[row.prompt_length :])
    assert said == " A<end_of_utterance> cube </s><end_of_utterance>"
    assert "<image>What<end_of_<image>utterance>?" in processor.tokenizer.decode(row.ids[: row.prompt_length])
    tokenizer = processor.tokenizer
    ends = [tokenizer.convert_tokens_to_ids(name) for name in ("<end_of_utterance>", "</s>")]
    assert [row.ids[row.prompt_length :].count(token) for token in ends] == [1, 0]
    assert row.ids.count(model.config.image_token_id) == 4


def test_an_answer_that_cannot_be_found_is_one_clear_message(tiny: tuple[Any, Any], photos: list[Path]) -> None:
    model, processor = tiny
    with pytest.raises(InputError, match="cannot be located") as caught:
        encode(model, processor, example("What is this?", " \n "), photos[0])
    assert "train row 4" in caught.value.where


def test_a_template_that_changes_the_prompt_is_refused(
    tiny: tuple[Any, Any], photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, processor = tiny
    changed = processor.chat_template.replace("'Assistant:'", "'Guide:'")
    monkeypatch.setattr(processor, "chat_template", changed)
    with pytest.raises(InputError, match="cannot be located"):
        encode(model, processor, example("What is this?", "A cube."), photos[0])


@pytest.mark.feature("answer-labels")
@pytest.mark.parametrize("template_begins", [False, True])
def test_the_token_that_begins_a_text_comes_once(
    tmp_path: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch, template_begins: bool
) -> None:
    model, processor = load_base(str(save_tiny_model(tmp_path / "m")))
    adds_bos = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    monkeypatch.setattr(processor.tokenizer._tokenizer, "post_processor", adds_bos)
    if template_begins:
        monkeypatch.setattr(processor, "chat_template", "{{ bos_token }}" + processor.chat_template)
    for answer in ("A cube.", "A cube </s>"):  # a special token in a text is encoded in two steps
        row = encode(model, processor, example("What?", answer), photos[0])
        assert (row.ids[0], row.ids.count(1)) == (1, 1)
    user = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}
    (theirs,) = processor.apply_chat_template(
        [user], add_generation_prompt=True, tokenize=True, images=[open_photo(photos[0])], return_dict=True
    )["input_ids"]
    assert list(row.ids[: row.prompt_length]) == list(theirs)


def test_batches_are_padded_on_the_right(tiny: tuple[Any, Any], photos: list[Path]) -> None:
    model, processor = tiny
    rows = [encode(model, processor, example("What?", answer), photos[0]) for answer in ("A cube.", "A cube of brass.")]
    batch = collate(rows, 0)
    short, long = (len(row.ids) for row in rows)
    assert batch["input_ids"].shape == (2, long)
    assert batch["attention_mask"].sum(dim=1).tolist() == [short, long]
    assert batch["attention_mask"][0, :short].all()
    assert (batch["labels"][0, short:] == IGNORED).all()


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_kept_pictures_give_the_logits_of_the_plain_forward(tmp_path: Path, photos: list[Path], kind: str) -> None:
    model, processor = load_base(str(save_tiny_model(tmp_path / "m")))
    tuned = prepare(model, APPROACHES[kind], "base", seed=1).eval()
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    rows = [encode(model, processor, example("What is it?", "A cube."), path) for path in photos]
    batch = collate(rows, 0)
    del batch["labels"]
    pictures = Pictures(model, processor, APPROACHES[kind].vision_frozen)
    opened = [[open_photo(path)] for path in photos]
    plain = processor.image_processor([[fitted(processor, o[0])] for o in opened], return_tensors="pt")
    with torch.no_grad():
        expected = tuned(**batch, **plain).logits
        for _ in range(2):  # the second time from what was kept
            connected = family_of(model).connect(model, *pictures.inputs(photos).values())
            assert torch.allclose(tuned(**batch, **connected).logits, expected, atol=1e-5)


def test_photos_of_different_sizes_are_padded_and_masked(tiny: tuple[Any, Any], photos: list[Path]) -> None:
    model, processor = tiny
    size = processor.image_processor.size
    processor.image_processor.size = {"longest_edge": 28, "shortest_edge": 7}
    try:
        plain = processor.image_processor([[open_photo(path)] for path in photos], return_tensors="pt")
        with torch.no_grad():
            expected = model.model.get_image_features(**plain, return_dict=True).pooler_output
            for frozen in (True, False):
                prepared = Pictures(model, processor, frozen).inputs(photos).values()
                hidden, masks = prepared if frozen else family_of(model).encode_pictures(model, *prepared)
                connected = family_of(model).connect(model, hidden, masks)["mm_encoder_outputs"]["image"].pooler_output
                assert torch.allclose(torch.stack(list(connected)), torch.stack(list(expected)), atol=1e-5)
    finally:
        processor.image_processor.size = size


@pytest.mark.parametrize("size", [(640, 400), (300, 301), (28, 28), (9, 5), (900, 900)])
def test_a_photo_that_is_shrunk_early_has_the_pixels_of_the_processor(
    tiny: tuple[Any, Any], size: tuple[int, int]
) -> None:
    image = Image.effect_noise(size, 80).convert("RGB")
    image.putpixel((3, 2), (255, 0, 0))
    early = fitted(tiny[1], image)
    assert early.size == (28, 28)
    made, plain = (tiny[1].image_processor([[i]], return_tensors="pt") for i in (early, square(image)))
    for name in ("pixel_values", "pixel_attention_mask"):
        assert torch.equal(made[name], plain[name])


def test_nothing_is_kept_beyond_the_memory_limit(tiny: tuple[Any, Any], photos: list[Path]) -> None:
    model, processor = tiny
    none, all_kept = Pictures(model, processor, True, max_bytes=0), Pictures(model, processor, True)
    with torch.no_grad():
        for _ in range(2):
            assert torch.equal(none.inputs(photos)["pictures"], all_kept.inputs(photos)["pictures"])
    assert len(none._cache) == 0
    assert len(all_kept._cache) == 3


def test_a_file_that_is_no_picture_is_named(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo((1, 2, 3), 1)[:200])
    with pytest.raises(InputError, match="not a readable picture") as caught:
        Pictures(*tiny, vision_frozen=True).inputs([broken])
    assert caught.value.where == str(broken)
