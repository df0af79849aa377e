"""What a sentence is about."""

from __future__ import annotations

import pytest

from docent.text.topics import by_topic, topic_of


@pytest.mark.parametrize(
    ("sentence", "topic"),
    [
        ("The cube has 8 vertices and 12 edges.", "numbers"),
        ("It was opened in 1970, by a king.", "history"),
        ("The French astronomer Yvon Villarceau cut it.", "history"),
        ("Its name was invented by a monk.", "history"),
        ("Salt often grows in nature in this shape.", "found"),
        ("It was used for weighing gold.", "use"),
        ("It used to be taller.", "what"),
        ("The cube has flat sides.", "what"),
        ("The 1903 Wright Flyer stands on skids.", "what"),
    ],
)
def test_visible_rules_decide(sentence: str, topic: str) -> None:
    assert topic_of(sentence, "1903-wright-flyer") == topic


def test_the_first_sentence_is_on_no_topic_by_itself() -> None:
    sentences = ["It was made in 1900.", "It has 3 legs.", "It is red.", "It was sold in 1901."]
    told = {"numbers": [1], "history": [3], "use": [], "found": []}
    assert by_topic(sentences, "chair") == told
