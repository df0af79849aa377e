"""Tables of what lamps show, outside of English: a colour is asked about together with its lamp, or not at all."""

from __future__ import annotations

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.languages.signals import glow_of, lamp_of, polite_ko
from docent.teacher.languages.writers import types_in
from docent.teacher.typed import write_typed

RULE = "\n| --- | --- | --- |\n"
TABLES = {
    "de": ("Status-LED", "| Farbe | Zustand | Maßnahme |" + RULE + "| rot | Stau | Band leeren |"),
    "fr": ("Le voyant", "| Couleur | État | Que faire |" + RULE + "| rouge | bourrage | vider la bande |"),
    "es": ("El piloto", "| Color | Estado | Qué hacer |" + RULE + "| rojo | atasco | vaciar la cinta |"),
    "ko": ("램프 안내", "| 색상 | 상태 | 할 일 |" + RULE + "| 노란색 | 걸림 | 벨트를 비운다 |"),
    "ja": ("ランプの見方", "| 色 | 状態 | 対処 |" + RULE + "| 黄色 | 詰まり | 帯を空にする |"),
    "zh": ("指示灯说明", "| 颜色 | 状态 | 处理方法 |" + RULE + "| 黄色 | 堵料 | 清空传送带 |"),
}
TOLD = {
    "de": {
        "Was bedeutet es laut „Sortierband“, wenn die LED rot leuchtet?": "Wenn die LED rot leuchtet, bedeutet das: "
        "Stau.",
        "Was ist laut „Sortierband“ zu tun, wenn die LED rot leuchtet?": "Wenn die LED rot leuchtet, ist Folgendes zu "
        "tun: Band leeren.",
    },
    "fr": {
        "Selon «\u00a0Sortierband\u00a0», qu'est-ce que cela signifie si le voyant s'allume en rouge ?": "Si le voyant "
        "s'allume en rouge, cela signifie : bourrage.",
        "Selon «\u00a0Sortierband\u00a0», que faut-il faire si le voyant s'allume en rouge ?": "Si le voyant s'allume "
        "en rouge, il faut faire ceci : vider la bande.",
    },
    "es": {
        "Según «Sortierband», ¿qué indica el piloto cuando está en rojo?": "Cuando el piloto está en rojo, indica lo "
        "siguiente: atasco.",
        "Según «Sortierband», ¿qué hay que hacer si el piloto está en rojo?": "Si el piloto está en rojo, hay que "
        "hacer lo siguiente: vaciar la cinta.",
    },
    "ko": {
        "“Sortierband”에 따르면 램프가 노란색이면 어떤 상태입니까?": "램프가 노란색이면 '걸림' 상태입니다.",
        "“Sortierband”에 따르면 램프가 노란색이면 무엇을 해야 합니까?": "램프가 노란색이면 벨트를 비웁니다.",
    },
    "ja": {
        "「Sortierband」によると、ランプが黄色の場合は、どのような状態を示しますか。": "ランプが黄色の場合は、"
        "「詰まり」を示します。",
        "「Sortierband」によると、ランプが黄色の場合は、どうすればよいですか。": "ランプが黄色の場合は、"
        "次のように対処します。帯を空にする。",
    },
    "zh": {
        "根据“Sortierband”，指示灯为黄色时表示什么？": "指示灯为黄色时，表示堵料。",
        "根据“Sortierband”，指示灯为黄色时应该怎么做？": "指示灯为黄色时，应按以下方式处理：清空传送带。",
    },
}


def written(code: str, title: str, text: str, question_type: str = "factual_recall") -> dict[str, str]:
    asked = TypedMaterial(
        question_type=question_type,
        name="Sortierband",
        title=title,
        text=text,
        facts=(),
        others=(),
        figures=(),
        pairs=20,
        language=code,
        max_answer_words=300,
        seed=7,
    )
    reply = TypedReply.model_validate_json(write_typed(asked, 0.4))
    return {pair.question: pair.answer for pair in reply.pairs}


@pytest.mark.parametrize("code", list(TABLES))
def test_a_colour_is_asked_about_with_the_lamp_of_the_heading(code: str) -> None:
    assert written(code, *TABLES[code]) == TOLD[code]


@pytest.mark.parametrize("code", list(TABLES))
def test_a_colour_of_nothing_known_is_not_asked_about(code: str) -> None:
    assert written(code, "X-Kapitel", TABLES[code][1]) == {}


@pytest.mark.parametrize("code", [code for code in TABLES if "short_answer" in types_in(code)])
def test_a_short_answer_about_a_colour_is_asked_with_its_lamp(code: str) -> None:
    (question,) = written(code, *TABLES[code], "short_answer")
    assert question == next(iter(TOLD[code]))


def test_a_lamp_that_asks_for_nothing_has_no_remedy() -> None:
    text = "| Voyant | Que faire |\n| --- | --- |\n| vert | Rien |\n| rouge clignotant | Vider la trémie |"
    assert list(written("fr", "X", text)) == [
        "Selon «\u00a0Sortierband\u00a0», que faut-il faire si le voyant clignote en rouge ?"
    ]


@pytest.mark.parametrize(
    ("code", "head", "cell", "expected"),
    [
        ("de", "Kontrollleuchte", "Blinkt grün", "die Kontrollleuchte grün blinkt"),
        ("de", "Farbe der LED", "aus", "die LED aus ist"),
        ("fr", "LED", "Verte", "la LED s'allume en vert"),
        ("es", "Lámpara", "Apagada", "la lámpara está apagada"),
        ("es", "Testigo", "Amarillo, parpadeante", "el testigo parpadea en amarillo"),
        ("ko", "표시등", "초록색 점멸", "표시등 초록색으로 깜박이면"),
        ("ja", "運転ランプ", "赤点滅", "運転ランプ 赤色に点滅している場合は"),
        ("zh", "报警指示灯", "红灯闪烁", "报警指示灯 红色闪烁时"),
    ],
)
def test_what_a_lamp_does_is_a_clause(code: str, head: str, cell: str, expected: str) -> None:
    lamp = lamp_of(head, "", code)
    assert f"{lamp} {glow_of(cell, lamp, code)}" == expected
    assert glow_of("E4", lamp, code) == ""


@pytest.mark.parametrize(
    ("plain", "polite"),
    [
        ("문을 닫는다", "문을 닫습니다"),
        ("물을 채운다", "물을 채웁니다"),
        ("필터를 만든다.", "필터를 만듭니다"),
        ("점검", ""),
    ],
)
def test_a_korean_cell_is_told_politely(plain: str, polite: str) -> None:
    assert polite_ko(plain) == polite
