"""Questions that forms of sentences would give outside of English, and that nobody would ask."""

from __future__ import annotations

import pytest
from tests.unit.test_offline_signals import written

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.languages.heads import with_unit
from docent.teacher.languages.patterns import questions_by_form
from docent.teacher.languages.section import NonEnglishSection
from docent.teacher.languages.summary import summary
from docent.teacher.typed import write_typed


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("de", "Eine Pumpe erzeugt den Druck im Kessel"),
        ("de", "Die Wassertemperatur ist die Größe, die der Koch bestimmt"),
        ("de", "Der Kolben ist das einzige Teil aus Messing"),
        ("de", "Wenn die Düse tropft, liegt das an einer alten Dichtung"),
        ("de", "Wenn die Mühle nicht startet, drücken Sie den Knopf"),
        ("fr", "La vitesse du tapis est le point que l'ouvrier règle"),
        ("fr", "Le piston est la seule pièce en laiton"),
        ("fr", "Une sonde mesure la chaleur du bain"),
        ("fr", "Si le broyeur ne démarre pas, appuyez sur le bouton"),
        ("es", "La velocidad de la cinta es el punto que regula el operario"),
        ("es", "Una sonda mide el calor del baño"),
        ("es", "Si el molino no funciona, pulse el botón rojo"),
        ("ko", "뚜껑을 열어 두면 습기가 들어가 굳을 수 있기 때문입니다"),
        ("ko", "소리가 커지는 것은 축이 닳아서 흔들리기 때문입니다"),
        ("ko", "기계가 작동하지 않으면 단추를 다시 누르십시오"),
        ("ja", "長くすると、刃が早く減ります"),
        ("ja", "温度を高くすると、色が濃くなります"),
        ("ja", "奥に入れたままにすると、においが移ります"),
        ("ja", "機械が動かない場合は、ボタンを押してください"),
        ("zh", "如果磨机无法启动，请按下按钮"),
    ],
)
def test_what_nobody_would_ask_is_not_asked(code: str, sentence: str) -> None:
    assert questions_by_form(sentence, code) == []


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("de", "Ein Takt ist ein Hub des Kolbens"),
        ("de", "Die Pumpe erzeugt den Druck im Kessel"),
        ("fr", "Une bobine est un support pour le fil"),
        ("es", "Si la cinta se atasca, pulse el botón rojo"),
        ("ko", "뚜껑을 열어 두면 습기가 들어갑니다"),
        ("ja", "刃の角度を大きくすると、紙がめくれます"),
        ("ja", "停電した場合は、電源を切ってください"),
        ("zh", "如果皮带打滑，请拧紧螺栓"),
    ],
)
def test_complete_questions_are_asked_as_before(code: str, sentence: str) -> None:
    assert questions_by_form(sentence, code) != []


@pytest.mark.parametrize(
    ("code", "name", "sentence"),
    [
        ("ko", "가습기 다솜 9 설명서", "가습기 다솜 9는 거실과 사무실에서 사용하는 데 쓰입니다."),
        ("ko", "가습기 설명서", "가습기 다솜 9는 거실과 사무실에서 사용하는 데 쓰입니다."),
    ],
)
def test_numbers_of_names_and_ones_of_rates_are_neither_blanks_nor_exchanged(
    code: str, name: str, sentence: str
) -> None:
    made = asked(code, name, sentence, "true_false_fill_blank")
    assert not any("____" in question for question in made)
    assert not any(answer.startswith("거짓") for answer in made.values())


def test_a_korean_clause_is_no_topic() -> None:
    asked_for = questions_by_form("날이 무디면 종이가 찢어지게 된다는 뜻이므로 바로 갈아야 합니다", "ko")
    assert [one.kind for one in asked_for] == ["do"]


def test_a_doubled_number_is_not_absurd() -> None:
    text = "| Größe | Wert |\n| --- | --- |\n| Schallpegel | 71 dB |"
    assert not any(answer.startswith("Falsch") for answer in every_statement("de", text))
    text = "| Größe | Wert |\n| --- | --- |\n| Wirkungsgrad | 81 % |\n| Gewicht | 14 kg |"
    false = [answer for answer in every_statement("de", text) if answer.startswith("Falsch")]
    assert false and not any("Wirkungsgrad" in answer for answer in false)


def test_a_product_of_numbers_has_its_unit() -> None:
    assert with_unit("4×25", "毫升", "zh") == "4×25毫升"
    text = "| 项目 | 数值 | 单位 |\n| --- | --- | --- |\n| 最大容量 | 4×25 | 毫升 |"
    assert written("zh", "X", text) == {"根据“Sortierband”，最大容量是多少？": "最大容量是4×25毫升。"}


PLANS = {
    "fr": ("| Fréquence | Opération |", ("Chaque jour", "Vider le bac"), "Chaque jour, il faut vider le bac."),
    "es": ("| Intervalo | Tarea |", ("Cada semana", "Limpiar la tolva"), "Cada semana hay que limpiar la tolva."),
    "ko": ("| 주기 | 작업 |", ("매주", "축에 기름을 바른다"), "매주 축에 기름을 바릅니다."),
    "ja": ("| 周期 | 作業 |", ("毎週", "刃を研磨する"), "毎週、刃を研磨します。"),
    "zh": ("| 周期 | 内容 |", ("每周", "清洗料斗"), "每周应清洗料斗。"),
}


@pytest.mark.parametrize("code", list(PLANS))
def test_work_at_an_interval_is_told_in_plain_words(code: str) -> None:
    head, (when, work), expected = PLANS[code]
    assert any(answer.endswith(expected) for answer in written(code, "X", plan(head, when, work)).values())


def test_a_plan_that_would_repeat_its_words_has_no_summary() -> None:
    rows = (("Täglich", "Ölstand prüfen"), ("Monatlich", "Sieb waschen"), ("Jährlich", "Riemen wechseln"))
    text = "| Intervall | Arbeit |\n| --- | --- |\n" + "\n".join(f"| {when} | {work} |" for when, work in rows)
    assert summary(page("de", text)) == ""
    text = "| Intervalo | Tarea |\n| --- | --- |\n| Cada día | Limpiar la tolva |\n| Cada mes | Cambiar el filtro |\n"
    told = summary(page("es", f"{text}| Cada año | Pintar la base |"))
    assert told.startswith("Cada día hay que limpiar la tolva. Cada mes hay que cambiar el filtro.")


def plan(head: str, when: str, work: str) -> str:
    return f"{head}\n| --- | --- |\n| {when} | {work} |"


def material(code: str, name: str, text: str, question_type: str, seed: int = 7) -> TypedMaterial:
    return TypedMaterial(question_type, name, "X", text, (), (), (), 20, code, 300, seed)


def page(code: str, text: str) -> NonEnglishSection:
    return NonEnglishSection(material(code, "Sortierband", text, "summary"), 0.4)


def asked(code: str, name: str, text: str, question_type: str, seed: int = 7) -> dict[str, str]:

    reply = TypedReply.model_validate_json(write_typed(material(code, name, text, question_type, seed), 0.4))
    return {pair.question: pair.answer for pair in reply.pairs}


def every_statement(code: str, text: str) -> list[str]:
    """Answers to statements over several seeds: which are made false is drawn."""
    made = (asked(code, "Sortierband", text, "true_false_fill_blank", seed) for seed in range(12))
    return [answer for answers in made for answer in answers.values()]
