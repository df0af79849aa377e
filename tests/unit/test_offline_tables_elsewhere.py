"""Questions about tables outside of English: names, units and wordings of the offline teacher."""

from __future__ import annotations

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.languages.heads import label_and_unit, with_unit
from docent.teacher.languages.writers import types_in
from docent.teacher.typed import write_typed

RULE = "| --- | --- | --- | --- |\n"
PROGRAMS = {
    "de": "| Programm | Verwendung | Temperatur (°C) | Sonstiges |\n" + RULE + "| 4 | Wolle | 30 | leise |",
    "fr": "| Programme | Usage | Température (°C) | Divers |\n" + RULE + "| 4 | Laine | 30 | doux |",
    "es": "| Programa | Uso | Temperatura (°C) | Notas |\n" + RULE + "| 4 | Lana | 30 | suave |",
    "ko": "| 프로그램 | 용도 | 온도(℃) | 시간(분) |\n" + RULE + "| 4 | 양모 | 30 | 45 |",
    "ja": "| プログラム | 用途 | 温度（℃） | 時間（分） |\n" + RULE + "| 4 | 毛糸 | 30 | 45 |",
    "zh": "| 程序 | 用途 | 温度（℃） | 时间（分钟） |\n" + RULE + "| 4 | 羊毛 | 30 | 45 |",
}
TOLD = {
    "de": {
        "Wofür ist Programm 4 laut „Waschhaus“ vorgesehen?": "Programm 4 ist hierfür vorgesehen: Wolle.",
        "Wie viel beträgt die Temperatur bei Programm 4 laut „Waschhaus“?": "Bei Programm 4 beträgt die Temperatur "
        "30 °C.",
    },
    "fr": {
        "Selon «\u00a0Waschhaus\u00a0», à quoi sert le programme 4 ?": "Le programme 4 sert à l'usage suivant : Laine.",
        "Selon «\u00a0Waschhaus\u00a0», quelle est la température du programme 4 ?": "Pour le programme 4, la "
        "température est de 30 °C.",
    },
    "es": {
        "Según «Waschhaus», ¿para qué sirve el programa 4?": "El programa 4 sirve para lo siguiente: Lana.",
        "Según «Waschhaus», ¿cuál es la temperatura del programa 4?": "En el caso del programa 4, la temperatura es de "
        "30 °C.",
    },
    "ko": {
        "“Waschhaus”에 따르면 “프로그램 4”의 용도는 무엇입니까?": "“프로그램 4”의 용도는 양모입니다.",
        "“Waschhaus”에 따르면 “프로그램 4”의 온도는 얼마입니까?": "“프로그램 4”의 온도는 30℃입니다.",
        "“Waschhaus”에 따르면 “프로그램 4”의 시간은 얼마입니까?": "“프로그램 4”의 시간은 45분입니다.",
    },
    "ja": {
        "「Waschhaus」によると、「プログラム4」の用途は何ですか。": "「プログラム4」の用途は毛糸です。",
        "「Waschhaus」によると、「プログラム4」の温度はどのくらいですか。": "「プログラム4」の温度は30℃です。",
        "「Waschhaus」によると、「プログラム4」の時間はどのくらいですか。": "「プログラム4」の時間は45分です。",
    },
    "zh": {
        "根据“Waschhaus”，“程序4”的用途是什么？": "“程序4”的用途是羊毛。",
        "根据“Waschhaus”，“程序4”的温度是多少？": "“程序4”的温度是30℃。",
        "根据“Waschhaus”，“程序4”的时间是多少？": "“程序4”的时间是45分钟。",
    },
}
FAULTS = {
    "de": ("| Störung | Ursache | Abhilfe |", "Bei „Leck“ ist die mögliche Ursache: Sieb voll. Abhilfe: Reinigen."),
    "fr": (
        "| Panne | Cause | Remède |",
        "En cas de «\u00a0Leck\u00a0», la cause possible est la suivante : Sieb voll. ",
    ),
    "es": (
        "| Fallo | Causa | Solución |",
        "En caso de «Leck», la causa posible es esta: Sieb voll. Solución: Reinigen.",
    ),
    "ko": ("| 증상 | 원인 | 조치 방법 |", "“누수”의 원인은 'Sieb voll'이며, 조치 방법은 'Reinigen'입니다."),
    "ja": ("| 症状 | 原因 | 対処 |", "「Leck」の原因として考えられるのは「Sieb voll」で、対処方法は「Reinigen」です。"),
    "zh": ("| 故障 | 可能原因 | 排除方法 |", "“Leck”的可能原因是：Sieb voll。处理方法是：Reinigen。"),
}


def written(
    code: str,
    text: str,
    question_type: str = "factual_recall",
    facts: tuple[str, ...] = (),
    name: str = "Waschhaus",
    title: str = "X-Kapitel",
) -> dict[str, str]:
    asked = TypedMaterial(
        question_type=question_type,
        name=name,
        title=title,
        text=text,
        facts=facts,
        others=(),
        figures=(),
        pairs=20,
        language=code,
        max_answer_words=300,
        seed=7,
        truths=(True, False) if question_type == "boolean" else (),
    )
    reply = TypedReply.model_validate_json(write_typed(asked, 0.4))
    return {pair.question: pair.answer for pair in reply.pairs}


@pytest.mark.parametrize("code", list(PROGRAMS))
def test_a_numbered_row_is_named_with_its_column_and_numbers_have_its_unit(code: str) -> None:
    assert written(code, PROGRAMS[code]) == TOLD[code]


@pytest.mark.parametrize("code", [code for code in PROGRAMS if "short_answer" in types_in(code)])
def test_a_short_answer_is_no_number_without_its_unit(code: str) -> None:
    assert [answer for answer in written(code, PROGRAMS[code], "short_answer").values() if answer.isdecimal()] == []


@pytest.mark.parametrize("code", list(FAULTS))
def test_a_remedy_is_told_with_the_cause_that_it_is_for(code: str) -> None:
    head, expected = FAULTS[code]
    name = "누수" if code == "ko" else "Leck"
    text = f"{head}\n| --- | --- | --- |\n| {name} | Sieb voll | Reinigen |"
    assert any(answer.startswith(expected) for answer in written(code, text).values())
    assert "short_answer" not in types_in(code) or written(code, text, "short_answer") == {}
    names = [cell.strip() for cell in head.strip("|").split("|")]
    fact = "; ".join(f"{column}: {cell}" for column, cell in zip(names, (name, "Sieb voll", "Reinigen"), strict=True))
    (answer,) = written(code, text, "fact_based", (fact,)).values()
    assert answer.startswith(expected)


def test_a_fault_with_several_causes_is_not_answered_with_one_of_them() -> None:
    text = "| Störung | Ursache |\n| --- | --- |\n| Läuft nicht | Stecker |\n| | Sicherung |\n| Tropft | Dichtung |"
    assert list(written("de", text).values()) == ["Die Ursache von „Tropft“ ist: Dichtung."]


def test_numbers_without_a_unit_and_yields_of_an_unknown_amount_are_not_asked_about() -> None:
    text = "| 品種 | 時間（20 kg） | できあがり | 段 |\n" + RULE + "| 白米 | 27 分 | 18.2 kg | 3 |"
    assert list(written("ja", text).values()) == ["「白米」の時間（20 kg）は27 分です。"]


def test_a_name_of_several_rows_is_said_with_the_cell_behind_it() -> None:
    text = "| 茶类 | 工序 | 温度（℃） |\n| --- | --- | --- |\n| 绿茶 | 初烘 | 110 |\n| 绿茶 | 复烘 | 85 |"
    assert set(written("zh", text).values()) == {"“绿茶（初烘）”的温度是110℃。", "“绿茶（复烘）”的温度是85℃。"}


def test_a_korean_particle_that_nobody_can_tell_is_not_written() -> None:
    text = "| 종류 | 보관(max) | 색 |\n| --- | --- | --- |\n| 무김치 | 냉장 | 흰색 |"
    assert list(written("ko", text)) == ["“Waschhaus”에 따르면 “무김치”의 색은 무엇입니까?"]


def test_columns_that_nobody_asks_for_in_plain_words_are_left_out_in_french() -> None:
    text = "| Pièce | Matériau | Remarque |\n| --- | --- | --- |\n| Joint | caoutchouc | à graisser |"
    assert list(written("fr", text).values()) == ["«\u00a0Joint\u00a0» se compose du matériau suivant : caoutchouc."]


def test_the_things_of_a_comparison_are_asked_about_by_their_properties() -> None:
    text = "| 项目 | Z-16 | Z-20 |\n| --- | --- | --- |\n| 重量（公斤） | 24 | 65 |"
    assert set(written("zh", text).values()) == {"“Z-16”的重量是24公斤。", "“Z-20”的重量是65公斤。"}
    assert written("zh", text.replace("Z-16", "标准型").replace("Z-20", "大型")) == {}


def test_dates_and_people_are_asked_for_as_such() -> None:
    text = "| 行事 | 時期 | 担当 |\n| --- | --- | --- |\n| 採蜜 | 7月 | 会員 |"
    assert set(written("ja", text)) == {
        "「Waschhaus」によると、「採蜜」の時期はいつですか。",
        "「Waschhaus」によると、「採蜜」の担当は誰ですか。",
    }


def test_false_statements_about_numbered_rows_change_the_measure_and_not_the_name() -> None:
    text = "| Programme | Température (°C) |\n| --- | --- |\n| 4 | 30 |\n| 5 | 60 |"
    made = written("fr", text, "boolean")
    false = next(question for question, answer in made.items() if answer.startswith("Faux."))
    assert "est de 60 °C" in false and "programme 4" in false or ("est de 30 °C" in false and "programme 5" in false)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("Vitesse (°C/h)", ("Vitesse", "°C/h")),
        ("Gewicht in kg", ("Gewicht", "kg")),
        ("Durée [min]", ("Durée", "min")),
        ("烘干时间（分钟）", ("烘干时间", "分钟")),
        ("숙성 시간(시간)", ("숙성 시간", "시간")),
        ("精米時間（20 kg）", ("精米時間（20 kg）", "")),
        ("Typ (Form A)", ("Typ (Form A)", "")),
    ],
)
def test_a_head_is_split_into_name_and_unit(head: str, expected: tuple[str, str]) -> None:
    assert label_and_unit(head) == expected


@pytest.mark.parametrize(
    ("value", "unit", "code", "expected"),
    [
        ("1 280", "°C", "fr", "1 280 °C"),
        ("36", "시간", "ko", "36시간"),
        ("-1.5", "℃", "ko", "-1.5℃"),
        ("42", "kg", "ja", "42 kg"),
        ("12 bis 18", "s", "de", "12 bis 18 s"),
        ("nach Bedarf", "s", "de", "nach Bedarf"),
        ("5 kg", "kg", "es", "5 kg"),
    ],
)
def test_a_bare_number_gets_its_unit_as_the_language_writes_it(value: str, unit: str, code: str, expected: str) -> None:
    assert with_unit(value, unit, code) == expected


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (
            "de",
            "Objekt: Uhr\nJahr: 1742\nHöhe (cm): 31",
            {"„Uhr“ ist aus dem Jahr 1742.", "Bei „Uhr“ beträgt die Höhe 31 cm."},
        ),
        (
            "fr",
            "Objet: Pendule\nAnnée: 1742\nHauteur (cm): 31",
            {"«\u00a0Uhr\u00a0» date de 1742.", "Pour «\u00a0Uhr\u00a0», la hauteur est de 31 cm."},
        ),
        ("ko", "물건: 시계\n위치: 3전시실\n높이(cm): 31", {"Uhr의 위치는 3전시실입니다."}),
        ("ja", "品名: 時計\n製作年: 1742\n高さ（cm）: 31", {"Uhrの製作年は1742年です。", "Uhrの高さは31 cmです。"}),
    ],
)
def test_a_row_of_a_table_has_years_places_and_units(code: str, text: str, expected: set[str]) -> None:
    made = written(code, text, name="Uhr", title="")
    answers = {answer.removeprefix("“Uhr”에 따르면 ") for answer in made.values()}
    assert answers >= expected
    assert not any("얼마입니까" in question and "위치" in question for question in made)
    assert not any("どのくらい" in question and "年" in question for question in made)


DUE = {
    "de": ("| Intervall | Tätigkeit |", "Alle 6 Monate", "Was ist laut „Waschhaus“ alle 6 Monate zu tun?"),
    "fr": (
        "| Fréquence | Opération |",
        "Tous les mois",
        "Selon «\u00a0Waschhaus\u00a0», que faut-il faire tous les mois ?",
    ),
    "es": ("| Frecuencia | Tarea |", "Cada mes", "Según «Waschhaus», ¿qué hay que hacer cada mes?"),
    "ko": ("| 주기 | 작업 |", "매월", "“Waschhaus”에 따르면 매월 무엇을 해야 합니까?"),
    "ja": ("| 周期 | 作業 |", "毎月", "「Waschhaus」によると、毎月、何をすればよいですか。"),
    "zh": ("| 周期 | 内容 |", "每月", "根据“Waschhaus”，每月应该做什么？"),
}


@pytest.mark.parametrize("code", list(DUE))
def test_a_plan_of_maintenance_is_asked_about_by_its_intervals(code: str) -> None:
    head, when, question = DUE[code]
    made = written(code, f"{head}\n| --- | --- |\n| {when} | Sieb waschen |")
    assert list(made) == [question] and "Sieb waschen" in made[question]


def test_what_a_lamp_shows_is_named_with_the_column() -> None:
    text = "| Voyant | Signification |\n| --- | --- |\n| Rouge | surcharge |"
    (question,) = written("fr", text)
    assert question.endswith(", qu'est-ce que cela signifie si le voyant s'allume en rouge ?")
    (question,) = written("fr", text.replace("Rouge", "Pompe"))
    assert question == "Selon «\u00a0Waschhaus\u00a0», que signifie «\u00a0Voyant : Pompe\u00a0» ?"


def test_a_column_of_units_holds_for_all_numbers_of_its_row() -> None:
    text = "| Parameter | Leistung | Einheit |\n| --- | --- | --- |\n| P1 | 24 | kW |\n| P2 | 8 | kW |"
    assert set(written("de", text).values()) == {
        "Bei Parameter P1 beträgt die Leistung 24 kW.",
        "Bei Parameter P2 beträgt die Leistung 8 kW.",
    }
