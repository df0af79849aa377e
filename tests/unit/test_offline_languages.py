"""The offline teacher in German, French, Spanish, Korean, Japanese and Chinese: museums and manuals."""

from __future__ import annotations

import pytest
from tests.texts_by_language import LABELS, MANUALS

from docent.llm.chat import Material, RequestRefusedError
from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.stages.curate.gates.language import wrong_language
from docent.teacher.guide import questions_of
from docent.teacher.languages.writers import TOO_LOW, types_in
from docent.teacher.typed import write_typed
from docent.teacher.visitor import write_pairs
from docent.text.detection import UNKNOWN, language_of_text
from docent.text.languages import languages, truth_of
from docent.text.sentences import split_sentences

INTRODUCTIONS = {
    "de": "Das ist die Sanduhr.",
    "fr": "Voici le sablier.",
    "es": "Aquí se ve el reloj de arena.",
    "ko": "이 전시물은 모래시계입니다.",
    "ja": "これは砂時計です。",
    "zh": "这是沙漏。",
}
ASKED = {
    "de": {
        "Was ist der Rührstab laut „Handbuch Rührwerk“?",
        "Wo befindet sich die Kurbel laut „Handbuch Rührwerk“?",
        "Was ist laut „Handbuch Rührwerk“ zu tun, wenn die Masse am Boden haftet?",
        "Warum muss der Deckel laut „Handbuch Rührwerk“ geschlossen bleiben?",
        "Wie viel beträgt die Heizleistung laut „Handbuch Rührwerk“?",
    },
    "fr": {
        "Selon «\u00a0Handbuch Rührwerk\u00a0», qu'est-ce que le fouet ?",
        "Selon «\u00a0Handbuch Rührwerk\u00a0», où se trouve la manivelle ?",
        "Selon «\u00a0Handbuch Rührwerk\u00a0», que faut-il faire si la masse colle au fond ?",
        "Selon «\u00a0Handbuch Rührwerk\u00a0», pourquoi est-ce que le couvercle doit rester fermé ?",
        "Selon «\u00a0Handbuch Rührwerk\u00a0», quelle est la puissance ?",
    },
    "es": {
        "Según «Handbuch Rührwerk», ¿qué es el batidor?",
        "Según «Handbuch Rührwerk», ¿dónde se encuentra la manivela?",
        "Según «Handbuch Rührwerk», ¿qué hay que hacer si la masa se pega al fondo?",
        "Según «Handbuch Rührwerk», ¿por qué la tapa debe permanecer cerrada?",
        "Según «Handbuch Rührwerk», ¿cuál es la potencia?",
    },
    "ko": {
        "“Handbuch Rührwerk”에 따르면 젓개는 무엇입니까?",
        "“Handbuch Rührwerk”에 따르면 손잡이는 어디에 있습니까?",
        "“Handbuch Rührwerk”에 따르면 반죽이 바닥에 붙으면 어떻게 해야 합니까?",
        "“Handbuch Rührwerk”에 따르면 뚜껑은 왜 열지 않습니까?",
        "“Handbuch Rührwerk”에 따르면 소비 전력은 얼마입니까?",
    },
    "ja": {
        "「Handbuch Rührwerk」によると、攪拌棒とは何ですか。",
        "「Handbuch Rührwerk」によると、ハンドルはどこにありますか。",
        "「Handbuch Rührwerk」によると、生地が底に付いた場合は、どうすればよいですか。",
        "「Handbuch Rührwerk」によると、なぜふたを開けませんか。",
        "「Handbuch Rührwerk」によると、消費電力はどのくらいですか。",
    },
    "zh": {
        "根据“Handbuch Rührwerk”，搅拌棒是什么？",
        "根据“Handbuch Rührwerk”，摇柄位于哪里？",
        "根据“Handbuch Rührwerk”，如果面团粘在锅底，应该怎么做？",
        "根据“Handbuch Rührwerk”，为什么操作人员不打开锅盖？",
        "根据“Handbuch Rührwerk”，额定功率是多少？",
    },
}


def visitors(code: str, temperature: float = 0.4) -> list[tuple[str, str]]:
    name, text = LABELS[code]
    return write_pairs(Material(name, text, (0.4, 0.9), temperature, 5, 300, languages()[code].name, 7, name))


def typed(code: str, question_type: str, pairs: int = 20, truths: tuple[bool, ...] = ()) -> list[tuple[str, str]]:
    asked = TypedMaterial(
        question_type=question_type,
        name="Handbuch Rührwerk",
        title="X-Kapitel",
        text=MANUALS[code],
        facts=(),
        others=(),
        figures=(),
        pairs=pairs,
        language=code,
        max_answer_words=300,
        seed=7,
        truths=truths,
    )
    return [(p.question, p.answer) for p in TypedReply.model_validate_json(write_typed(asked, 0.4)).pairs]


@pytest.mark.parametrize("code", list(LABELS))
def test_visitors_ask_in_the_language_of_the_text_and_the_guide_says_which_exhibit_it_is(code: str) -> None:
    listed = {question for questions in questions_of(code).values() for question in questions}
    made = [*visitors(code), *visitors(code, 0.9)]
    assert {question for question, _ in made} == listed
    for question, answer in made:
        assert question in listed and answer.startswith(INTRODUCTIONS[code])
        assert wrong_language(answer, code) is None and wrong_language(question, code) is None
        told = answer.removeprefix(INTRODUCTIONS[code])
        assert all(sentence in LABELS[code][1] for sentence in split_sentences(told))


@pytest.mark.parametrize("code", list(LABELS))
def test_visitors_ask_what_it_is_and_are_told_the_beginning_or_all_about_it_and_are_told_the_whole(code: str) -> None:
    assert list(questions_of(code)) == ["what", "about"]
    sentences = split_sentences(LABELS[code][1])
    for question, answer in visitors(code):
        told = split_sentences(answer.removeprefix(INTRODUCTIONS[code]))
        assert told == sentences[: len(told)]
        assert question in questions_of(code)["what"] or told == sentences


def test_a_german_exhibit_without_an_article_in_its_text_needs_none() -> None:
    text = "Unbekannter Maler, um 1840. Das Bild kam aus einem Nachlass. Der Rahmen ist vergoldet."
    asked = Material("Müllerin", text, (0.4,), 0.4, 1, 300, "German", 7, "Müllerin")
    assert write_pairs(asked)[0][1].startswith("Das ist das Exponat „Müllerin“.")


@pytest.mark.parametrize("code", list(MANUALS))
def test_sentences_and_tables_of_a_manual_are_asked_about_as_people_ask(code: str) -> None:
    made = dict(typed(code, "factual_recall"))
    assert made.keys() >= ASKED[code]
    assert not any(" 4" in answer or "第4" in answer or "4장" in answer for answer in made.values())
    assert any("900" in answer and ";" not in answer and "|" not in answer for answer in made.values())


@pytest.mark.parametrize("code", [code for code in MANUALS if code != "zh"])
def test_false_statements_have_another_number_and_the_answer_has_the_true_one(code: str) -> None:
    made = typed(code, "boolean", pairs=2, truths=(False, True))
    assert [truth_of(answer, languages()[code]) for _, answer in made] == [False, True]
    question, answer = made[0]
    assert ("900" in answer and "900" not in question) or ("8" in answer and "16" in question)


@pytest.mark.parametrize("code", list(MANUALS))
def test_numbered_steps_stay_complete_and_short_answers_are_words_of_the_section(code: str) -> None:
    ((_, steps),) = typed(code, "process_workflow", pairs=1)
    assert [line[:3] for line in steps.splitlines()] == ["1. ", "2. "]
    if "short_answer" in types_in(code):
        assert all(answer in MANUALS[code] for _, answer in typed(code, "short_answer"))


@pytest.mark.parametrize(("code", "question_type"), [(c, kind) for c in TOO_LOW for kind in sorted(TOO_LOW[c])])
def test_types_that_were_graded_too_low_in_a_language_are_refused_there(code: str, question_type: str) -> None:
    with pytest.raises(RequestRefusedError, match=f"does not write {question_type} in {languages()[code].name}"):
        typed(code, question_type)


@pytest.mark.parametrize("code", list(MANUALS))
def test_types_that_need_a_whole_grammar_are_refused_by_name(code: str) -> None:
    assert "conversation" not in types_in(code)
    with pytest.raises(RequestRefusedError, match=f"does not write conversation in {languages()[code].name}"):
        typed(code, "conversation")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Im 19. Jahrhundert stand er am Markt. Dort blieb er, z. B. bei Regen.", 2),
        ("Die Schale ist um 150 n. Chr. entstanden. Sie misst ca. 9 cm.", 2),
        ("La vasija es del siglo II a. C. El borde está roto.", 2),
        ("Le vase date du Ier siècle av. J.-C. Il mesure 30 cm.", 2),
        ("札には「止まれ。」と書かれています。高さは2メートルです。", 2),
    ],
)
def test_abbreviations_ordinals_and_quotations_of_other_languages_end_no_sentence(text: str, sentences: int) -> None:
    assert len(split_sentences(text)) == sentences


def test_the_language_of_a_text_is_found_by_its_function_words_or_its_script() -> None:
    assert {code: language_of_text(text) for code, (_, text) in LABELS.items()} == {code: code for code in LABELS}
    assert (
        language_of_text("Il vaso di bronzo è stato trovato nella tomba di un soldato e pesa più di tre chili.") == "it"
    )
    assert language_of_text("Öl auf Leinwand, 62 × 48 cm") == ""
    assert language_of_text("Η υδρόγειος δείχνει τη Γη όπως ήταν γνωστή γύρω στο 1725 στην Ευρώπη") == UNKNOWN
