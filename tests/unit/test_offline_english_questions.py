"""The offline teacher in English: what it asks, what it leaves out, and that question and answer fit each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docent.llm.chat import RequestRefusedError
from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.source.statements import statements_of
from docent.teacher.source.words import words_of_language
from docent.teacher.typed import write_typed
from docent.text.facts import facts_of
from docent.text.sentences import plain

DRYER = """The tunnel dryer dries painted boards. It heats the air with two gas burners. The belt is 2.4 m wide and
carries at most 180 kg. The belt is driven by a geared motor. Solvent vapour is drawn off at the inlet because it may
explode.

If the belt stops, the burners switch off. When the filter lamp is lit, replace the filter mat. Clean the nozzles every
two weeks. Unlike the old dryer, the tunnel dryer needs no chimney. Wear gloves when you lift it out.
"""


def asked(
    question_type: str, text: str, *, title: str = "Operation", temperature: float = 0.4, **changes: object
) -> dict[str, str]:
    """Questions and answers of one type about a section."""
    facts = tuple(fact.text for fact in facts_of(text, 1, "dryer.md"))
    material = TypedMaterial(question_type, "Dryer Handbook", title, text, facts, (), (), 20, "en", 300, 5)
    reply = write_typed(replace(material, **changes), temperature)  # type: ignore[arg-type]
    return {pair.question: pair.answer for pair in TypedReply.model_validate_json(reply).pairs}


@pytest.mark.parametrize(
    ("question_type", "question", "answer"),
    [
        ("fact_based", "how wide is the belt?", "The belt is 2.4 m wide and carries at most 180 kg."),
        ("short_answer", "what is the belt driven by?", "a geared motor"),
        (
            "comparative_analysis",
            "how does the tunnel dryer differ from the old dryer?",
            "Unlike the old dryer, the tunnel dryer needs no chimney.",
        ),
        ("fact_based", "how often should you clean the nozzles?", "Clean the nozzles every two weeks."),
    ],
)
def test_a_type_asks_for_what_a_sentence_says(question_type: str, question: str, answer: str) -> None:
    assert asked(question_type, DRYER)[f"According to “Dryer Handbook”, {question}"] == answer


def test_what_to_do_is_asked_about_faults_in_a_table_and_not_about_single_sentences() -> None:
    table = "| Fault | Cause | Remedy |\n|---|---|---|\n| Belt does not move | Door open | Close the door |"
    assert asked("application", DRYER) == {}
    assert asked("application", table) == {
        "According to “Dryer Handbook”, what should you do if the belt does not move?": (
            "If the belt does not move, the cause may be: door open. Close the door."
        )
    }


@pytest.mark.parametrize("question_type", ["application", "comparative_analysis", "process_workflow"])
def test_a_type_asks_nothing_of_a_text_without_its_mark(question_type: str) -> None:
    assert asked(question_type, "The hall is 40 m long. The roof was renewed in 1998. Swifts nest in the gable.") == {}


@pytest.mark.parametrize(
    "question_type",
    [
        *("inference", "critical_analysis", "contextual_ambiguity", "multi_hop_reasoning"),
        *("cause_effect", "hypothetical", "technical_explanation"),
    ],
)
def test_types_that_need_a_conclusion_of_ones_own_or_were_graded_too_low_are_refused(question_type: str) -> None:
    with pytest.raises(RequestRefusedError, match=f"does not write {question_type}"):
        asked(question_type, DRYER)


def test_no_question_asks_what_a_section_says_about_a_word_and_no_answer_begins_with_a_pronoun() -> None:
    for question_type in ("factual_recall", "fact_based", "short_answer"):
        for question, answer in asked(question_type, DRYER).items():
            assert " say about " not in question and "know about" not in question
            assert not answer.startswith(("It ", "They ", "This "))
            assert "lift it out" not in answer  # nothing says what is lifted


@pytest.mark.parametrize(
    ("code", "unfinished", "pointing"),
    [
        ("en", "TODO: describe the rinsing of the pump.", "See chapter 4 for all of the details."),
        ("en", "The limits of the pump are to be defined.", "The valves are described in the next chapter."),
        ("de", "TODO: das Spülen der Pumpe beschreiben.", "Siehe Kapitel 4 zu allen weiteren Einzelheiten."),
        ("fr", "Le rinçage de la pompe est à compléter.", "Voir le chapitre 4 pour tous les autres détails."),
        ("es", "El lavado de la bomba está por definir.", "Véase el capítulo 4 para todos los demás detalles."),
        ("ja", "ポンプの洗浄方法は作成中です。", "詳しくは第4章を参照してください。"),
        ("ko", "펌프의 세척 방법은 작성 중입니다.", "자세한 내용은 설명서 4장을 참조하십시오."),
        ("zh", "水泵的清洗方法待补充。", "详细说明请参见第四章的内容。"),
    ],
)
def test_unfinished_text_and_sentences_that_only_point_elsewhere_are_no_sources(
    code: str, unfinished: str, pointing: str
) -> None:
    words = words_of_language(code)
    assert statements_of(f"{unfinished}\n\n{pointing}", words) == []


def test_a_reference_in_brackets_is_left_out_of_its_sentence() -> None:
    found = statements_of("The pump (see section 3) moves 5 litres of water per minute.", words_of_language("en"))
    assert [s.text for s in found] == ["The pump moves 5 litres of water per minute."]


def test_one_question_has_one_answer_in_a_section() -> None:
    text = "In mode A, turn the wheel every day. The lamp is 3 m high. The lamp is 5 m high. The mast is 9 m high."
    made = asked("factual_recall", text)
    assert not any("how high is the lamp" in question for question in made)
    assert made["According to “Dryer Handbook”, how high is the mast?"] == "The mast is 9 m high."


@pytest.mark.parametrize("temperature", [0.2, 0.9])
def test_a_question_has_the_same_answer_at_every_temperature(temperature: float) -> None:
    for question_type in ("factual_recall", "fact_based", "long_answer", "summarization"):
        first, other = asked(question_type, DRYER), asked(question_type, DRYER, temperature=temperature)
        assert all(other[question] == answer for question, answer in first.items() if question in other)


def test_long_answers_keep_to_the_thing_that_they_are_asked_about() -> None:
    text = (
        "The winch can lift the gate. It has a brake. The winch must be greased in spring. The winch may run for "
        "5 minutes. {more}Ducks live on the pond. They are fed by visitors."
    )
    apart = text.format(more="The canteen opens at noon. The winch is painted red. ")
    assert asked("long_answer", apart, title="Page 3") == {}
    text = text.format(more="")
    (question, answer) = next(iter(asked("long_answer", text, title="Page 3").items()))
    assert "the winch" in question and "Ducks" not in answer and "canteen" not in answer
    assert answer.count("inch") == 3 and "It has a brake." in answer


def test_false_statements_are_false_and_say_what_is_true() -> None:
    text = (
        "The garden gate is 4 m wide. The key hangs beside the door. The old pump was built in 1931. The yard lamp "
        "hangs above the door."
    )
    made = asked("boolean", text, truths=(False, False, False), pairs=3)
    assert len(made) == 3
    for question, answer in made.items():
        assert answer.startswith("False. ") and plain(answer.removeprefix("False. ").rstrip(".")) not in plain(question)


def test_a_limit_is_not_made_false_by_another_limit_that_holds_as_well() -> None:
    text = "Up to 12 boats may lie in the inner basin. At most 5 boats may lie in the outer basin."
    assert not any(answer.startswith("False") for answer in asked("boolean", text, truths=(False,), pairs=1).values())


def test_steps_are_asked_for_by_what_they_lead_to() -> None:
    steps = "1. Open the flap.\n2. Pull the grey lever.\n3. Close the flap.\n"
    (question,) = asked("process_workflow", f"To change the mat:\n\n{steps}")
    assert question == "According to “Dryer Handbook”, how do you change the mat?"
    (question,) = asked("process_workflow", steps, title="Changing the mat")
    assert question == "According to “Dryer Handbook”, what are the steps for changing the mat?"
    other = "1. Unlock the door.\n2. Remove the fan.\n3. Lock the door.\n"
    assert asked("process_workflow", f"{steps}\nThe second list:\n\n{other}") == {}
