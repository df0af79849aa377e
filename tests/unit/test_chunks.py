"""Chunks: bounded, overlapping, cut at the best place; nothing lost, no token cut."""

from __future__ import annotations

import re

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pdf_report import lines_of_pages
from tests.published import published

from docent.text.chunks import chunk_text, chunk_tokens, count_tokens

TOKEN = re.compile(r"\{\{FIGURE_p\d+_\d+\}\}")
TEXTS = st.text(st.sampled_from("ab \n.。、한字é😀"), max_size=600)


def texts(text: str, pieces: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in pieces]


def test_a_text_is_cut_at_paragraphs_before_lines_before_spaces() -> None:
    text = "one two\nthree\n\nfour five six\nseven"
    assert texts(text, chunk_text(text, 20, 0)) == ["one two\nthree", "four five six", "seven"]
    assert texts(text, chunk_text(text, 21, 0)) == ["one two\nthree", "four five six\nseven"]


def test_a_chunk_begins_with_as_much_of_the_one_before_as_the_overlap_allows() -> None:
    text = " ".join(f"w{number:02d}" for number in range(40))
    pieces = chunk_text(text, 40, 12)
    for (_, end), (start, _) in zip(pieces, pieces[1:], strict=False):
        assert 0 < end - start <= 12
    assert all(end - start <= 40 for start, end in pieces)


def test_a_sentence_ends_a_piece_where_a_line_is_too_long() -> None:
    text = "The crank turns. The arm of Venus was bent by four degrees. 첫 문장이다。둘째 문장이다。"
    assert texts(text, chunk_text(text, 45, 0))[0] == "The crank turns."


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.integers(5, 60), st.integers(0, 40))
def test_pieces_are_bounded_in_order_and_lose_only_blanks(text: str, limit: int, overlap: int) -> None:
    pieces = chunk_text(text, limit, overlap)
    covered = set()
    for number, (start, end) in enumerate(pieces):
        assert 0 < end - start <= limit
        assert text[start:end] == text[start:end].strip()
        if number:
            assert pieces[number - 1][1] - start <= overlap
            assert pieces[number - 1] < (start, end)
        covered |= set(range(start, end))
    assert all(text[at].isspace() for at in set(range(len(text))) - covered)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["{{FIGURE_p3_1}}", "{{FIGURE_p12_2}}", "xxxxxxxx", " ", "\n"]), max_size=40))
def test_a_figure_token_is_never_cut(parts: list[str]) -> None:
    text = "".join(parts)
    tokens = [match.span() for match in TOKEN.finditer(text)]
    for pieces in (chunk_text(text, 20, 6, TOKEN), chunk_tokens(text, 16, 4, TOKEN)):
        for edge in {edge for piece in pieces for edge in piece}:
            assert not any(start < edge < end for start, end in tokens)


@pytest.mark.feature("token-chunks")
@pytest.mark.parametrize(("limit", "overlap"), [(1024, 100), (1500, 100), (256, 32)])
def test_token_chunks_keep_the_limit_and_overlap_exactly(limit: int, overlap: int) -> None:
    keep_limit_and_overlap("\n\n".join("\n".join(lines) for lines in lines_of_pages().values()), limit, overlap)


@pytest.mark.published
@pytest.mark.feature("token-chunks")
@pytest.mark.parametrize(("limit", "overlap"), [(1024, 100), (1500, 100), (256, 32)])
def test_token_chunks_of_the_published_pdf_keep_the_limit_and_overlap_exactly(limit: int, overlap: int) -> None:
    pdf = pypdfium2.PdfDocument(published("documents/en-imagenet-training.pdf"))
    text = "\n\n".join(pdf[number].get_textpage().get_text_range() for number in range(len(pdf)))
    keep_limit_and_overlap(text, limit, overlap)


def keep_limit_and_overlap(text: str, limit: int, overlap: int) -> None:
    """Cut a text into chunks of tokens and count the tokens apart from the code that is tested."""
    pieces = chunk_tokens(text, limit, overlap)
    assert len(pieces) > 1 and pieces[0][0] == 0 and pieces[-1][1] == len(text)
    assert all(count_tokens(text[start:end]) <= limit for start, end in pieces)
    ends = token_ends(text)
    for (_, end), (start, _) in zip(pieces, pieces[1:], strict=False):
        assert ends.index(end) - ends.index(start) == overlap


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(16, 40), st.integers(0, 20))
def test_token_chunks_of_any_text_cover_it_and_keep_the_limit(text: str, limit: int, overlap: int) -> None:
    pieces = chunk_tokens(text, limit, overlap)
    assert all(count_tokens(text[start:end]) <= limit for start, end in pieces)
    reached = 0
    for start, end in pieces:
        assert start <= reached < end
        reached = end
    assert reached == len(text)


@pytest.mark.feature("token-chunks")
def test_token_chunks_end_at_a_chinese_full_stop() -> None:
    text = "黄铜制成的太阳系仪。" * 30
    pieces = chunk_tokens(text, 64, 8)
    assert len(pieces) > 2
    assert all(text[end - 1] == "。" for _, end in pieces)


def token_ends(text: str) -> list[int]:
    """Ends of all tokens, counted apart from the code that is tested."""
    import bpe_openai

    encoding = bpe_openai.get_encoding("o200k_base")
    ends, seen = [0], b""
    for token in encoding.encode_ordinary(text):
        seen += encoding.decode_single_token_bytes(token)
        try:
            ends.append(len(seen.decode()))
        except UnicodeDecodeError:
            ends.append(-1)
    return ends
