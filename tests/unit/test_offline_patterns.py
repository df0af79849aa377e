"""Questions that the form of a sentence answers, outside of English: the word that asks fits what is told."""

from __future__ import annotations

import pytest

from docent.llm.structure.typed import TypedMaterial
from docent.teacher.languages.patterns import questions_by_form
from docent.teacher.languages.section import NonEnglishSection

KINDS = [
    ("ja", "冬のあいだ使わないときは、水を抜いておきます", "do"),
    ("ja", "弁を急に開けると、管が大きく揺れます", "effect"),
    ("ja", "米が多いときは、二回に分けることをおすすめします", ""),
    ("ko", "짧게 쓸 때라면 낮은 온도를 권합니다", ""),
    ("ko", "밸브를 급히 열면 관이 크게 흔들립니다", "effect"),
    ("ko", "압력이 내려가면 뚜껑을 열어도 됩니다", ""),
    ("zh", "如果网面破损，更换一张新网", ""),
    ("zh", "如果阀门开得太快，管子会晃动", "effect"),
    ("zh", "如果阀门漏水，建议更换垫圈", "do"),
    ("zh", "开机前必须检查水位", "do"),
    ("de", "Wenn das Rohr tropft, empfiehlt sich eine neue Dichtung", "do"),
    ("de", "Wenn das Rohr tropft, sinkt der Druck im Kessel", "effect"),
    ("fr", "Si le tuyau fuit, il est recommandé de changer le joint", "do"),
    ("fr", "Si le tuyau fuit, la pression baisse", "effect"),
    ("es", "Si el tubo gotea, se recomienda cambiar la junta", "do"),
    ("es", "Si el tubo gotea, séquelo con un trapo", "do"),
    ("es", "Si el tubo gotea, la presión baja", "effect"),
]
SHORT = [
    ("ko", "대여 기간은 최대 3일입니다", "최대 3일"),
    ("ja", "貸出期間は最長 3 日です", "最長 3 日"),
    ("zh", "炉温不超过900℃", "不超过900℃"),
    ("zh", "炉温为900℃", "900℃"),
]
LOOSE = [
    ("ko", "그대로 두면 고무가 굳어 틈이 생깁니다."),
    ("ja", "その数が多いと、針が大きく振れます。"),
    ("zh", "其外壳温度过高时，电机会自动停止。"),
    ("fr", "Si celui-ci est bouché, la pression baisse."),
    ("es", "Si este se atasca, la presión baja."),
    ("de", "Wenn dadurch Luft eindringt, sinkt der Druck im Kessel."),
]


@pytest.mark.parametrize(("code", "sentence", "kind"), KINDS)
def test_what_happens_and_what_to_do_are_told_apart(code: str, sentence: str, kind: str) -> None:
    asked = questions_by_form(sentence, code)
    assert [one.kind for one in asked][:1] == ([kind] if kind else [])


@pytest.mark.parametrize(("code", "sentence", "short"), SHORT)
def test_a_short_answer_keeps_the_word_for_a_limit(code: str, sentence: str, short: str) -> None:
    assert short in [one.short for one in questions_by_form(sentence, code)]


@pytest.mark.parametrize(("code", "sentence"), LOOSE)
def test_a_sentence_that_begins_by_pointing_back_is_not_asked_about(code: str, sentence: str) -> None:
    asked = TypedMaterial("factual_recall", "Kelterhaus", "X", sentence, (), (), (), 5, code, 300, 7)
    assert NonEnglishSection(asked, 0.4).sentences == []


def test_a_clause_that_means_the_one_before_it_is_no_pointer_and_neither_are_other_chinese_words() -> None:
    for code, sentence in (
        ("zh", "应该每周清洗网面，也应检查电机。"),
        ("fr", "La cuve est en cuivre, elle doit donc rester sèche."),
    ):
        asked = TypedMaterial("factual_recall", "Kelterhaus", "X", sentence, (), (), (), 5, code, 300, 7)
        assert [statement.text for statement in NonEnglishSection(asked, 0.4).sentences] == [sentence]
