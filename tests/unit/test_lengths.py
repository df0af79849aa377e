"""Lengths in words, also of scripts that write no spaces between them."""

from __future__ import annotations

import pytest
from tests.unit.test_typed_rows import problem, reply

from docent.text.terms import length_in_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The vase stands at the door.", 6),
        ("It is 31 cm high - and green.", 7),
        ("이 꽃병은 입구에 있습니다.", 4),
        ("", 0),
        ("...", 0),
        ("Приз стоит здесь.", 3),
    ],
)
def test_words_between_spaces_are_counted_and_marks_are_none(text: str, words: int) -> None:
    assert length_in_words(text) == words


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("花瓶は展示室の入口に置かれています。", 6, 10),
        ("花瓶放在展览室的入口处。", 4, 7),
        ("แจกันตั้งอยู่ที่ทางเข้าห้องจัดแสดง", 6, 10),
        ("ថូនេះស្ថិតនៅច្រកចូលនៃសាលតាំងពិព័រណ៍", 6, 11),
        ("ແຈກັນຕັ້ງຢູ່ທາງເຂົ້າຫ້ອງວາງສະແດງ", 5, 10),
        ("ပန်းအိုးသည် ပြခန်း၏ဝင်ပေါက်တွင် ရှိသည်", 5, 12),
        ("ｶﾋﾞﾝﾊｲﾘｸﾞﾁﾆｱﾘﾏｽ", 5, 9),
        ("The 花瓶 is a vase.", 5, 6),
    ],
)
def test_letters_stand_for_words_where_there_are_no_spaces(text: str, least: int, most: int) -> None:
    assert least <= length_in_words(text) <= most


def test_a_text_twice_as_long_has_twice_the_words() -> None:
    for text in ("花瓶は展示室の入口に置かれています。", "แจกันตั้งอยู่ที่ทางเข้าห้องจัดแสดง"):
        assert abs(length_in_words(text * 20) - 20 * length_in_words(text)) <= 10


def test_the_longest_answer_is_measured_in_the_same_way_when_it_is_generated() -> None:
    assert problem("inference", reply(("花瓶は?", "花瓶" * 300))) == ""
    assert "301 words, at most 300" in problem("inference", reply(("花瓶は?", "花瓶" * 301)))
