"""Languages by name, code and alias, and what is said to a teacher that writes in one."""

from __future__ import annotations

import re

import pytest

from docent.errors import ConfigError
from docent.stages.generate_qa.question_types import question_types, wording
from docent.text.languages import find_language, languages, truth_of

WITH_OWN_WORDING = ("en", "ko", "ja", "de", "fr", "es", "zh")


@pytest.mark.feature("prompt-languages", "language-and-domain")
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("Japanese", "ja"),
        ("jp", "ja"),
        ("JA", "ja"),
        ("ja-JP", "ja"),
        ("日本語", "ja"),
        ("Korean", "ko"),
        ("kr", "ko"),
        ("한국어", "ko"),
        ("deutsch", "de"),
        ("simplified  chinese", "zh"),
        ("zh_CN", "zh"),
        ("Tiếng Việt", "vi"),
    ],
)
def test_a_language_is_found_by_whatever_people_call_it(given: str, code: str) -> None:
    assert find_language(given, "here").code == code


@pytest.mark.feature("language-and-domain", "prompt-languages")
@pytest.mark.parametrize("given", ["Klingon", "", "xx", "Germann"])
def test_an_unknown_language_is_refused_with_the_list(given: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_language(given, "generate_qa.language")
    message = str(caught.value)
    assert all(language.name in message for language in languages().values())
    assert "generate_qa.language" in message and ("did you mean German" in message) == (given == "Germann")


@pytest.mark.feature("language-and-domain", "prompt-languages")
def test_twenty_languages_have_all_they_need() -> None:
    assert len(languages()) == 20
    lines = {wording(code).line for code in languages()}
    assert len(lines) == 20, "a language borrows the line of another"
    styles = set(question_types()["styles"])
    assert len(styles) == 5
    for code in languages():
        assert set(wording(code).styles) == styles and wording(code).pronouns


@pytest.mark.feature("prompt-languages")
@pytest.mark.parametrize("code", WITH_OWN_WORDING)
def test_a_language_with_a_file_has_own_styles_with_the_same_places_and_tags(code: str) -> None:
    english = wording("en")
    own = wording(code)
    for name, text in {**own.styles, "pronouns": own.pronouns}.items():
        told = {**english.styles, "pronouns": english.pronouns}[name]
        assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", told), name
        assert code == "en" or text != told
    assert "<dialogue>" in own.pronouns and "</dialogue>" in own.pronouns
    if code in ("ko", "ja", "zh"):
        letters = {"ko": "[가-힣]", "ja": "[ぁ-ん]", "zh": "[一-鿿]"}[code]
        assert all(re.search(letters, text) for text in own.styles.values())


@pytest.mark.feature("prompt-languages")
def test_a_language_without_a_file_has_english_styles_and_its_own_line() -> None:
    assert wording("vi").styles == wording("en").styles
    assert "tiếng Việt" in wording("vi").line


@pytest.mark.parametrize(
    ("answer", "code", "truth"),
    [
        ("True. It is.", "en", True),
        ("**False**: it is not.", "en", False),
        ("It is true.", "en", None),
        ("Nepravda, není.", "cs", False),
        ("Pravda.", "cs", True),
        ("לא נכון, כי", "he", False),
        ("「正しい」です", "ja", None),
        ("참. 그렇다.", "ko", True),
    ],
)
def test_the_truth_of_an_answer_is_its_first_word(answer: str, code: str, truth: bool | None) -> None:
    assert truth_of(answer, languages()[code]) is truth


def test_no_language_says_true_like_false() -> None:
    for language in languages().values():
        assert truth_of(f"{language.true}. x", language) is True
        assert truth_of(f"{language.false}. x", language) is False
