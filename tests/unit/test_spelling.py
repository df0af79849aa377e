"""Names that were made for files, as the text beside them writes them."""

from __future__ import annotations

import time

import pytest

from docent.text.spelling import MAX_NAME_CHARS, spelled_in


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Our ship's lantern hung at the stern.", "ships-lantern", "ship's lantern"),
        ("L’image d’Épinal se vendait partout.", "image-d-epinal", "image d’Épinal"),
        ("Unser Teddybär sitzt hier.", "teddybaer", "Teddybär"),
        ("Die Gießkanne steht im Garten.", "giesskanne", "Gießkanne"),
        ("El árbol de la vida es de barro.", "arbol_de_la_vida", "árbol de la vida"),
        ("Glass cutters call it a Mo\u0308bius strip.", "mobius-strip", "Möbius strip"),
        ("Oars are long. Whoever rows needs oars.", "oars", "oars"),
        ("Oars are long.", "oars", "Oars"),
        ("The oar is long.", "oars", ""),
        ("La mariée gardait sa couronne sous un globe de verre.", "globe-de-mariee", "globe de mariée"),
        ("Les échasses servaient aux bergers.", "echasses-landaises", "échasses landaises"),
        ("De la mer.", "globe-de-mer", ""),
        ("A soar is no bird.", "oar", ""),
        ("The first\nline of it", "first-line", "first line"),
        ("Nothing.", "-", ""),
    ],
)
def test_a_name_is_found_with_accents_apostrophes_and_capitals(text: str, name: str, expected: str) -> None:
    assert spelled_in(text, name) == expected


def test_a_name_too_long_for_one_is_not_looked_for() -> None:
    assert spelled_in("a " * 500, "a-" * MAX_NAME_CHARS) == ""


def test_a_name_that_stands_there_thousands_of_times_is_looked_up_once() -> None:
    def seconds(times: int) -> float:
        started = time.process_time()
        assert spelled_in("Klein bottle. " * times, "klein-bottle") == "Klein bottle"
        return time.process_time() - started

    assert seconds(8_000) < 40 * max(seconds(1_000), 0.01), "linear: eight times as long"
