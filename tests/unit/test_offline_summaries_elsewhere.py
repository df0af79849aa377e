"""Summaries and steps outside of English by the offline teacher: whole, in order, without loose ends."""

from __future__ import annotations

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.languages.writers import types_in
from docent.teacher.source.words import words_of_language
from docent.teacher.typed import write_typed
from docent.text.terms import length_in_words

KEPT_WHOLE = {
    "de": "Der Kessel steht im Keller. Er fasst 80 Liter. Entkalken Sie ihn. Zünden Sie ihn nie ohne Wasser an.",
    "fr": "La cuve est en cuivre. Elle contient 80 litres. Videz-la. Ne la chauffez jamais à vide.",
    "es": "La caldera es de cobre. Contiene 80 litros de agua. Vacíela. No la caliente nunca sin agua.",
    "ko": "가마솥은 구리로 만들었습니다. 물은 80리터까지 들어갑니다. 매일 비웁니다. 물 없이 불을 켜지 마십시오.",
    "ja": "釜は銅でできています。水は80リットルまで入ります。毎日洗います。水を入れずに火をつけないでください。",
    "zh": "锅炉由铜板制成。最多能装80升水。它每天要清空。没有水时不得点火。",
}
LONG = {
    "de": (
        "Die Presse steht im Hof.",
        "Sie darf nie allein laufen.",
        "Der Korb ist aus Eiche und wird im Herbst gewässert.",
    ),
    "fr": (
        "Le pressoir est dans la cour.",
        "Il ne doit jamais tourner seul.",
        "Le panier est en chêne et se mouille à l'automne.",
    ),
    "es": ("La prensa está en el patio.", "No debe funcionar nunca sola.", "La cesta es de roble y se moja en otoño."),
}
PROCEDURES = {
    "de": ("Öffnen Sie den Hahn.", "Spülen Sie das Rohr."),
    "fr": ("Ouvrez le robinet.", "Rincez le tuyau."),
    "es": ("Abra el grifo.", "Enjuague el tubo."),
    "ko": ("수도꼭지를 엽니다.", "관을 물로 헹굽니다."),
    "ja": ("蛇口を開けます。", "管を水で洗います。"),
    "zh": ("打开水龙头。", "用水冲洗管子。"),
}
RULES = {
    "de": ("Der Hahn bleibt nachts zu.", "Jedes Mitglied hat einen Schlüssel."),
    "fr": ("Le robinet reste fermé la nuit.", "Chaque membre possède une clé."),
    "es": ("El grifo queda cerrado de noche.", "Cada socio tiene una llave."),
    "ko": ("밤에는 열 수 없습니다.", "열쇠는 회원의 것입니다."),
    "ja": ("夜は開けられません。", "鍵は会員のものです。"),
    "zh": ("夜间不得打开水龙头。", "钥匙是会员的财产。"),
}


def written(code: str, text: str, question_type: str = "summary") -> list[tuple[str, str]]:
    asked = TypedMaterial(
        question_type=question_type,
        name="Kelterhaus",
        title="X-Kapitel",
        text=text,
        facts=(),
        others=(),
        figures=(),
        pairs=3,
        language=code,
        max_answer_words=300,
        seed=7,
    )
    reply = TypedReply.model_validate_json(write_typed(asked, 0.4))
    return [(pair.question, pair.answer) for pair in reply.pairs]


@pytest.mark.parametrize("code", [code for code in KEPT_WHOLE if "summary" in types_in(code)])
def test_a_section_that_fits_is_told_whole_with_its_shortest_sentences(code: str) -> None:
    ((_, answer),) = written(code, KEPT_WHOLE[code])
    assert answer == KEPT_WHOLE[code]


@pytest.mark.parametrize("code", list(LONG))
def test_of_a_longer_section_every_paragraph_and_every_warning_is_told(code: str) -> None:
    first, warning, other = LONG[code]
    filler = {
        "de": "Auf Brett {} liegt ein Tuch.",
        "fr": "La planche {} porte un drap.",
        "es": "Sobre el banco {} hay tela.",
    }
    many = " ".join(filler[code].format(number) for number in range(1, 12))
    text = f"{first} {many} {warning}\n\n{other} {many.replace('1', '2')}"
    ((_, answer),) = written(code, text)
    assert answer.startswith(first) and other in answer and warning in answer
    assert length_in_words(answer) <= 95
    ((_, longer),) = written(code, text, "section_summary")
    assert longer.count(".") > answer.count(".")


def test_a_sentence_of_a_summary_brings_along_the_one_that_it_needs() -> None:
    filler = " ".join(f"Fass {number} liegt im Keller neben der alten Treppe aus Sandstein." for number in range(1, 14))
    text = f"{filler} Der Presskorb wiegt 40 kg. Deshalb darf man ihn nie allein heben."
    ((_, answer),) = written("de", text)
    assert answer.endswith("Der Presskorb wiegt 40 kg. Deshalb darf man ihn nie allein heben.")


@pytest.mark.parametrize(
    "text",
    [
        "Gepresst werden zwei Sorten.\n\n| Sorte | Saft (l) | Zeit (min) |\n| --- | --- | --- |\n| Boskop | 60 | 20 |\n"
        "| Gala | 55 | 15 |",
        "Das Werkzeug liegt bereit. Es gehört dem Verein.\n\nBenötigt werden:\n\n- Hammer\n- Sieb\n- Eimer",
        "Der Korb ist aus Eiche. Er hält lange. Der Deckel passt.\n\n| Nr. | Teil |\n| --- | --- |\n| 1 | 4711 |",
    ],
)
def test_a_section_with_something_that_cannot_be_told_has_no_summary(text: str) -> None:
    assert written("de", text) == [] and written("de", text, "section_summary") == []


def test_values_are_told_where_they_stand() -> None:
    text = "Gewicht: 40 kg\nBreite: 90 cm\n\nDer Korb ist aus Eiche."
    ((_, answer),) = written("de", text)
    assert answer == "Das Gewicht beträgt 40 kg. Die Breite beträgt 90 cm. Der Korb ist aus Eiche."


def test_a_pointer_to_another_chapter_is_left_out_unless_the_next_sentence_needs_it() -> None:
    text = "Der Korb ist aus Eiche. Er hält lange. Näheres steht in Kapitel 4. {} Der Deckel passt genau."
    ((_, answer),) = written("de", text.format("Die Spindel ist aus Stahl."))
    assert "Kapitel" not in answer and "Spindel" in answer
    assert written("de", text.format("Dort ist auch die Spindel beschrieben.")) == []


def test_steps_are_told_between_the_paragraphs_around_them() -> None:
    ((_, answer),) = written(
        "de", "Pressen Sie nur morgens.\n\n1. Öffnen Sie den Hahn.\n2. Spülen Sie das Rohr.\n\nDanach ruht es."
    )
    assert answer == "Pressen Sie nur morgens.\n1. Öffnen Sie den Hahn.\n2. Spülen Sie das Rohr.\nDanach ruht es."


@pytest.mark.parametrize("code", list(PROCEDURES))
def test_numbered_rules_are_no_steps(code: str) -> None:
    numbered = [f"1. {first}\n2. {second}" for first, second in (PROCEDURES[code], RULES[code])]
    assert [answer for _, answer in written(code, numbered[0], "process_workflow")] == [numbered[0]]
    assert written(code, numbered[1], "process_workflow") == []


@pytest.mark.parametrize("code", [code for code in KEPT_WHOLE if "summary" in types_in(code)])
def test_a_summary_and_all_of_a_section_are_asked_for_in_other_words(code: str) -> None:
    asked = {written(code, KEPT_WHOLE[code], kind)[0][0] for kind in ("summary", "summarization", "section_summary")}
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("code", "sentence", "is_found"),
    [
        ("de", "Die Wartung wird in Kapitel neun beschrieben.", True),
        ("fr", "Pour le transport, reportez-vous à la notice.", True),
        ("es", "Para el transporte, véase el anexo.", True),
        ("ko", "분해 방법은 정비 지침서를 참고하십시오.", True),
        ("ja", "分解の手順は整備書をご覧ください。", True),
        ("zh", "拆卸方法详见维修手册。", True),
        ("ko", "나중에 볼 수 있도록 설명서를 보관하십시오.", False),
    ],
)
def test_what_only_points_elsewhere_is_known_by_one_list(code: str, sentence: str, is_found: bool) -> None:
    assert (words_of_language(code).finds("points", sentence) is not None) == is_found
