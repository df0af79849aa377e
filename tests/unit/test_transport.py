"""Pictures in a request: where they go, how many bytes that makes, what happens when one is gone."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.photo_files import attached

from docent.config.llm import Llm
from docent.errors import ConfigError
from docent.llm.chat import ChatRequest, Image, Message
from docent.llm.wire.endpoint import OpenAIEndpoint
from docent.llm.wire.transport import PIECE_BYTES, Transport, _streamed, sent_size, split_at_pictures
from docent.records import canonical_json

ENDPOINT = OpenAIEndpoint(Llm(provider="vllm"), {})


def body_of(*messages: Message) -> bytes:
    return canonical_json(ENDPOINT.body(ChatRequest(messages, 0.0, 5))).encode()


def sent(body: bytes, *images: Image) -> bytes:
    """What goes over the wire, and that its length was known before."""

    async def collected() -> bytes:
        return b"".join([piece async for piece in _streamed(parts)])

    parts = split_at_pictures(body, images)
    found = asyncio.run(collected())
    assert len(found) == sum(sent_size(part) for part in parts)
    return found


def picture(folder: Path, content: bytes, name: str = "a.png") -> Image:
    (folder / name).write_bytes(content)
    return attached(folder / name)


@pytest.mark.parametrize("size", [0, 1, 2, 3, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES + 2])
def test_a_picture_arrives_whole_whatever_its_size(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    image = picture(tmp_path, content[:size])
    arrived = json.loads(sent(body_of(Message("user", "look", (image,))), image))
    url = arrived["messages"][0]["content"][1]["image_url"]["url"]
    assert url.startswith("data:image/png;base64,") and base64.b64decode(url.split(",")[1]) == content[:size]


def test_several_pictures_and_the_same_one_twice(tmp_path: Path) -> None:
    a, b = picture(tmp_path, b"aa"), picture(tmp_path, b"bb", "b.png")
    body = body_of(Message("user", "one", (a, b)), Message("user", "two", (a,)))
    arrived = json.loads(sent(body, a, b, a))
    urls = [part["image_url"]["url"] for m in arrived["messages"] for part in m["content"] if part["type"] != "text"]
    assert [base64.b64decode(url.split(",")[1]) for url in urls] == [b"aa", b"bb", b"aa"]


@pytest.mark.parametrize("shape", ["{}", '"{}"', ' "{}" ', '\\"{}\\"', '"url":"{}"', '{{"url": "{}"}}'])
@pytest.mark.parametrize("alone", [True, False])
def test_a_text_that_looks_like_a_picture_stays_a_text(tmp_path: Path, shape: str, alone: bool) -> None:
    image = picture(tmp_path, b"content")
    text = shape.format(f"sha256:{image.sha256}")
    messages = [Message("system", text), *([] if alone else [Message("user", text, (image,))])]
    arrived = json.loads(sent(body_of(*messages), image))
    assert arrived["messages"][0]["content"] == text
    if not alone:
        assert arrived["messages"][1]["content"][0]["text"] == text
        assert arrived["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")


@settings(max_examples=50)
@given(st.text(max_size=80))
def test_texts_arrive_as_they_are(text: str) -> None:
    assert json.loads(sent(body_of(Message("user", text))))["messages"][0]["content"] == text


def test_a_picture_that_is_gone_is_named(tmp_path: Path) -> None:
    image = picture(tmp_path, b"content")
    image.path.unlink()

    async def posted() -> None:
        transport = Transport("http://127.0.0.1:9/v1", {}, 1.0, 1000)
        try:
            await transport.post(body_of(Message("user", "look", (image,))), [image])
        finally:
            await transport.close()

    with pytest.raises(ConfigError) as error:
        asyncio.run(posted())
    assert str(image.path) in str(error.value)
