"""Exhibits with hardly any text or a name that nobody can say: what the offline teacher still says of them."""

from __future__ import annotations

import pytest

from docent.llm.chat import Material
from docent.teacher.guide import introduction
from docent.teacher.visitor import write_pairs

TEMPERATURES = (0.2, 0.5, 0.8)
NAMELESS = {
    "en": "This is the exhibit.",
    "de": "Das ist das Exponat.",
    "fr": "Voici l'objet.",
    "es": "Aquí se ve la pieza.",
    "ko": "이것은 전시물이다.",
    "ja": "これは展示品である。",
    "zh": "这是展品。",
}


def pairs_of(text: str, name: str, language: str = "en") -> list[tuple[str, str]]:
    """The pairs of all temperatures."""
    return [
        pair
        for temperature in TEMPERATURES
        for pair in write_pairs(
            Material(
                name=name,
                text=text,
                temperatures=TEMPERATURES,
                temperature=temperature,
                pairs=5,
                max_answer_words=200,
                language=language,
                seed=7,
            )
        )
    ]


@pytest.mark.parametrize("code", NAMELESS)
@pytest.mark.parametrize("name", ["---", "–", "***", "“ ”", "💎", "…"])
def test_a_name_without_letter_and_digit_is_not_said(code: str, name: str) -> None:
    assert introduction(name, f"A sledge {name} of ash. {name} Another.", code) == NAMELESS[code]


def test_a_polite_text_is_introduced_politely() -> None:
    assert introduction("---", "썰매는 나무로 만들었습니다.", "ko") == "이것은 전시물입니다."
    assert introduction("---", "そりは木でできています。", "ja") == "これは展示品です。"


def test_answers_about_an_exhibit_without_a_name_have_no_gap() -> None:
    pairs = pairs_of("The sledge was built of ash. Two reindeer drew it over the frozen lake to the mill.", "---")
    assert pairs and all(answer.startswith("This is the exhibit. ") for _, answer in pairs)


@pytest.mark.parametrize(("text", "language"), [("Sledge", "en"), ("Ein Schlitten.", "de"), ("そり", "ja")])
def test_a_description_of_a_word_is_asked_about_once_at_each_temperature(text: str, language: str) -> None:
    pairs = pairs_of(text, "T-34", language)
    assert len(pairs) == len(TEMPERATURES), "there is one answer"
    assert len({question for question, _ in pairs}) == len(TEMPERATURES)


def test_a_sentence_is_asked_about_with_every_general_question() -> None:
    pairs = pairs_of("The sledge was drawn by two reindeer over the frozen lake.", "sledge")
    assert len(pairs) == len(set(pairs)) == 7
