"""Long answers that differ in one word alone: where that makes another fact, both stay; else one is a repeat."""

from __future__ import annotations

import time

import pytest

from docent.text.numbers.decisive import decisive_of
from docent.text.repeats import NearRepeats, sketch_of

TOLD = {
    "en": (
        "When the miller wants to grind barley he walks around the tower, sets the sails into the wind with the "
        "tail pole, and turns the {} wheel by hand until the stones run free of each other; the flour runs "
        "through a chute into sacks that hang from hooks, and a bell, which the hopper rings as soon as its corn "
        "is used, tells him to pour again."
    ),
    "de": (
        "Wenn die Müllerin Gerste mahlen will, geht sie um den Turm, dreht die Flügel mit dem Balken in den Wind "
        "und bewegt das {} Rad von Hand, damit die Steine einander nicht mehr berühren; das Mehl läuft durch "
        "eine Rinne in Säcke, die an Haken hängen, und eine Glocke läutet, sobald der Trichter kein Korn hat."
    ),
    "fr": (
        "Quand la meunière veut moudre de l'orge, elle fait le tour du bâtiment, met les ailes dans le vent avec "
        "la queue et tourne la roue {} à la main pour que les pierres ne se touchent pas; la farine coule dans "
        "des sacs qui pendent à des crochets, et une cloche sonne dès que la trémie n'a que de la poussière."
    ),
    "es": (
        "Cuando la molinera quiere moler cebada rodea la torre, pone las aspas al viento con el palo de gobierno "
        "y gira la rueda {} con la mano para que las piedras no se toquen; la harina corre por un canal en sacos "
        "que cuelgan de ganchos, y una campana suena cuando la tolva no tiene grano que moler."
    ),
    "ko": (
        "방앗간 주인은 보리를 빻으려고 탑을 돌며 날개를 바람 방향에 맞추고 {} 바퀴를 손으로 돌려 돌이 서로 닿지 "
        "않게 합니다. 가루는 홈통을 따라 갈고리에 걸린 자루로 흘러가고 깔때기에 낟알이 떨어지면 종이 울려서 "
        "주인에게 다시 부으라고 알립니다. 그동안 마을 사람들은 마당에서 기다리며 이야기를 나누고 노래를 부릅니다."
    ),
    "ja": (
        "粉屋は麦を挽くとき塔をまわり、風車の羽根を風に向け、{}の車輪を手でまわして石と石がふれるのを防ぎます。粉"
        "は樋を流れてかぎにかけた袋に落ち、漏斗の穀物がなくなると鐘が鳴って、また注ぐように知らせます。村の人々は"
        "庭で話をしたり歌をうたったりしながら、粉ができるのを待っています。"
    ),
    "zh": (
        "磨坊主要磨麦子的时候绕着塔楼走，把风车的翼对准风向，用手转动{}面的轮子，让石头互相不碰到；面粉沿着槽流进"
        "挂在钩子的袋子里，漏斗里的谷物用完时铃就响起来，告诉他再倒。村民们在院子里聊着天、唱着歌，等着面粉磨好，"
        "然后把袋子放在车子里带回家去。"
    ),
}
OPPOSITES = [
    ("en", "left", "right"), ("en", "upper", "lower"), ("en", "open", "closed"), ("en", "inner", "outer"),
    ("en", "first", "last"), ("en", "5 mm", "5 cm"), ("en", "two foot", "three foot"),
    ("en", "more heavy", "less heavy"), ("en", "red", "green"), ("en", "locked", "unlocked"),
    ("en", "5 MW", "5 mW"), ("en", "−2 °C", "2 °C"), ("en", "20 °C", "20 °F"), ("en", "Halladay", "Dempster"),
    ("en", "XIV", "XVI"), ("en", "big B", "big D"), ("en", "clockwise", "counterclockwise"),
    ("de", "linke", "rechte"), ("de", "obere", "untere"), ("de", "offene", "geschlossene"),
    ("de", "zweite", "dritte"), ("de", "5 Zentimeter hohe", "5 Millimeter hohe"), ("de", "innere", "äußere"),
    ("de", "schwere", "leichte"), ("fr", "gauche", "droite"), ("fr", "supérieure", "inférieure"),
    ("fr", "ouverte", "fermée"), ("fr", "avant", "arrière"), ("fr", "de deux mètres", "de trois mètres"),
    ("fr", "Berton", "Delaporte"), ("es", "izquierda", "derecha"), ("es", "superior", "inferior"),
    ("es", "abierta", "cerrada"), ("es", "Quijada", "Criptana"), ("es", "de dos metros", "de tres metros"),
    ("ko", "왼쪽", "오른쪽"), ("ko", "위쪽", "아래쪽"), ("ko", "열린", "닫힌"), ("ko", "두", "세"),
    ("ja", "左", "右"), ("ja", "上", "下"), ("ja", "内側", "外側"), ("ja", "二つ", "三つ"),
    ("ja", "5ミリ", "5センチ"), ("zh", "左", "右"), ("zh", "上", "下"), ("zh", "开着", "关着"), ("zh", "两", "三"),
]  # fmt: skip
ALIKE = [
    ("en", "worn", "wooden"), ("en", "5 mm", "5 millimetre"), ("en", "opened", "opening"), ("en", "every", "each"),
    ("de", "gedrehte", "runde"), ("fr", "ronde", "tournante"), ("es", "redonda", "pesada"),
    ("ko", "둥근", "나무"), ("ja", "木", "石"), ("zh", "木", "石"),
]  # fmt: skip


def repeats(one: str, other: str, question: str = "How does it work?", similarity: float = 0.85) -> bool:
    index = NearRepeats(similarity)
    index.add(sketch_of(question, one))
    return index.repeats(sketch_of(question, other))


@pytest.mark.parametrize(("language", "one", "other"), OPPOSITES)
def test_answers_that_differ_in_a_fact_are_both_kept(language: str, one: str, other: str) -> None:
    told = TOLD[language]
    assert not repeats(told.format(one), told.format(other))
    assert not repeats(told.format(other), told.format(one))


@pytest.mark.parametrize(("language", "one", "other"), ALIKE)
def test_answers_that_differ_in_another_word_are_repeats(language: str, one: str, other: str) -> None:
    assert repeats(TOLD[language].format(one), TOLD[language].format(other))


def test_the_order_of_opposites_and_numbers_counts() -> None:
    told = (
        TOLD["en"]
        .replace("barley", "{} bags of barley")
        .replace("corn", "{} pecks of corn")
        .replace("{} wheel", "wheel")
    )
    assert repeats(told.format("full", "empty"), told.format("full", "empty").replace("sacks", "bags"))
    assert not repeats(told.format("full", "empty"), told.format("empty", "full"))
    assert not repeats(told.format("6", "4"), told.format("4", "6"))


def test_a_name_at_the_beginning_of_a_sentence_counts_as_well() -> None:
    told = f"{TOLD['en'].format('worn')} {{}} built it for the parish."
    assert not repeats(told.format("Halladay"), told.format("Dempster"))
    assert repeats(told.format("He"), told.format("They"))


@pytest.mark.parametrize(
    ("text", "ordered"),
    [
        ("It isn’t open, and can't be closed.", ("not", "open", "not", "close")),
        ("at (-18 °C), rev2-18", ("-18", "°", "rev2", "18")),
        ("12,000 l at 5 MW, 3 MHz and 3 mHz", ("12,000", "l", "5", "megaw", "3", "megahz", "3", "mhz")),
        ("l'ouverture d'avant", ("ouvert", "avant")),
    ],
)
def test_what_decides_is_read_in_its_order(text: str, ordered: tuple[str, ...]) -> None:
    assert decisive_of(text).ordered == ordered


@pytest.mark.parametrize("unit", ["a", "열", "’t", "1,", "-1 ", "A ", "左", "M"])
def test_the_time_of_reading_grows_with_the_text(unit: str) -> None:
    def seconds(count: int) -> float:
        text = unit * count
        start = time.process_time()
        decisive_of(text)
        return time.process_time() - start

    small = max(seconds(5_000), 0.01)
    assert seconds(80_000) < 64 * small, "sixteen times the text; 256 times the time where that grows with the square"
