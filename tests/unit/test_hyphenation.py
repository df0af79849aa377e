"""Words divided at the end of a line: whole again, compounds with their hyphen."""

from __future__ import annotations

import pytest

from docent.text.hyphenation import Words, joined


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (["the conser-", "vation of it"], "the conservation of it"),
        (["was meas\u00ad", "ured twice"], "was measured twice"),
        (["was meas\u2010", "ured, twice"], "was measured, twice"),
        (["a well-", "known maker"], "a well-known maker"),
        (["a self-", "winding clock"], "a self-winding clock"),
        (["a self-", "ish man"], "a selfish man"),
        (["in the mother-in-", "law case"], "in the mother-in-law case"),
        (["a brass-", "based alloy"], "a brass-based alloy"),
        (["an X-", "ray of it"], "an X-ray of it"),
        (["the DNA-", "based test"], "the DNA-based test"),
        (["the Anglo-", "Saxon brooch"], "the Anglo-Saxon brooch"),
        (["years 1914-", "1918 only"], "years 1914-1918 only"),
        (["pre- and post-", "war toys"], "pre- and post-war toys"),
        (["both pre-", "and post-war"], "both pre- and post-war"),
        (["Ein-", "und Ausgang"], "Ein- und Ausgang"),
        (["die Bundes-", "verfassung gilt"], "die Bundesverfassung gilt"),
        (["see https://a.example/on-an-", "adventure"], "see https://a.example/on-an-adventure"),
        (["call it --volume-", "type sc1"], "call it --volume-type sc1"),
        (["a dash -", "and more"], "a dash - and more"),
        (["the inter-", "op threads"], "the inter-op threads"),
    ],
)
def test_a_divided_word_is_whole_and_a_compound_keeps_its_hyphen(lines: list[str], whole: str) -> None:
    assert joined(lines, Words.of(["All of the post-war toys"])) == whole


def test_what_the_document_writes_elsewhere_decides() -> None:
    elsewhere = Words.of(["The low-pressure valve.", "A handmade gear, a handmade arm.", "CONSERVATION IN GENERAL"])
    assert joined(["a low-", "pressure"], elsewhere) == "a low-pressure"
    assert joined(["it is hand-", "made"], elsewhere) == "it is handmade"
    assert joined(["it is hand-", "made"], Words()) == "it is hand-made"
    assert joined(["NOTES ON CONSER-", "VATION"], elsewhere) == "NOTES ON CONSERVATION"
