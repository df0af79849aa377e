"""Names of exhibits in answers: what is a name, what is a part of one, and how it may be written."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from docent.evidence.known_exhibits import known_exhibits
from docent.evidence.name_words import canonical, one_typo_apart
from docent.evidence.naming import Exhibit
from docent.evidence.recognition import AnswerText, recognised_exhibits
from docent.records import Example


def told(
    answer: str, names: Sequence[str], texts: Sequence[str] = (), question: str = "", *, compounds: bool = False
) -> str | None:
    """The name of the exhibit that an answer is about, in a museum of these."""
    texts = [*texts, *[""] * (len(names) - len(texts))]
    exhibits = [
        Exhibit(str(n), (name,), text, compounds=compounds)
        for n, (name, text) in enumerate(zip(names, texts, strict=True))
    ]
    (found,) = recognised_exhibits([AnswerText(question, answer)], exhibits)
    return None if found is None else names[int(found)]


@pytest.mark.parametrize(
    "name",
    [
        "IMG 1",
        "IMG_0042",
        "exhibit 3",
        "2024",
        "DSC00017",
        "Untitled (A-17)",
        "Photo",
        "Blue",
        "the small one",
        "Room 4",
    ],
)
def test_what_is_no_name_names_nothing(name: str) -> None:
    assert told(f"This is {name}, said the guide.", [name, "Amphora", "Sextant"]) is None


@pytest.mark.parametrize("name", ["Cat", "Glass", "Box", "The Rose", "Orange", "Plate"])
def test_common_nouns_are_names_as_a_whole_and_no_parts(name: str) -> None:
    assert told(f"This is {name.lower()}.", [name, "Amphora"]) == name
    assert told(f"This is {name.lower()}.", [f"{name} of Meissen", "Amphora"]) is None


def test_exhibits_without_names_are_told_by_their_facts() -> None:
    texts = ["It was cast in 1761 by Jeremiah Dixon.", "The lid has 14 enamel flowers, and a Swiss movement."]
    assert told("Cast in 1761, by one Jeremiah Dixon.", ["IMG 1", "IMG 2"], texts) == "IMG 1"
    assert told("It has 14 flowers of enamel. The movement is Swiss.", ["IMG 1", "IMG 2"], texts) == "IMG 2"
    assert told("This is IMG 1, cast from iron.", ["IMG 1", "IMG 2"], texts) is None


def test_exhibits_of_one_name_are_told_apart_by_facts_or_their_qualifier() -> None:
    names = ["Jug (A-17)", "Jug (B-2)", "Bowl"]
    texts = ["The jug was found in Kerameikos in 1911.", "The jug holds 3 litres and has a crack near its handle."]
    assert told("This is a jug.", names, texts) is None
    assert told("This jug holds 3 litres; a crack is near the handle.", names, texts) == "Jug (B-2)"
    assert told("The jug A-17.", names, texts) == "Jug (A-17)"


def test_a_part_counts_only_where_no_other_name_and_no_other_text_has_it() -> None:
    names = ["Portrait of Saskia", "Portrait of Hendrickje", "Harbour at dusk"]
    assert told("A portrait.", names) is None
    assert told("You see Saskia.", names) == "Portrait of Saskia"
    assert told("A harbour with ships.", names) == "Harbour at dusk"
    assert told("A harbour with ships.", names, ["Painted in a harbour town."]) is None


def test_training_answers_vouch_for_names_where_there_is_no_source_text() -> None:
    exhibits = [
        Exhibit("a", ("Ship clock",), None, ("It hung in a cabin.",)),
        Exhibit("b", ("Lamp",), None, ("A clock.",)),
    ]
    found = recognised_exhibits(
        [AnswerText("", "A clock."), AnswerText("", "A ship clock."), AnswerText("", "A ship.")], exhibits
    )
    assert found == [None, "a", "a"]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("a tea pot", "teapot"),
        ("Teapots everywhere", "teapot"),
        ("the utah-teapot of 1975", "UtahTeapot"),
        ("THE KISS", "The Kiss"),
        ("a Fleur-de-lis", "fleur_de_lis"),
        ("a T34", "T-34"),
        ("O’Keeffe’s Poppies", "Poppies, Georgia O'Keeffe, 1928"),
        ("Apollo 11", "Apollo 11"),
        ("a sextent", "Sextant"),
        ("an astrolbae", "Astrolabe"),
        ("some astrolabs", "Astrolabe"),
    ],
)
def test_spelling_hyphens_articles_and_typos_make_no_difference(answer: str, name: str) -> None:
    names = [name, "Apollo 13", "Windmill", "Cuckoo clock", "Corinthian helmet"]
    assert told(f"It is {answer}.", names) == name


@pytest.mark.parametrize(
    "answer",
    ["Apollo", "a stack of blocks", "a windfall", "coloured glass", "the helm of a ship", "by Georgia, in 1928"],
)
def test_other_words_are_no_typos_of_names(answer: str) -> None:
    names = ["Apollo 11", "Apollo 13", "Clock", "Windmill", "Collars", "Corinthian helmet"]
    assert told(f"It is {answer}.", names) is None


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("这是一件青花瓷瓶，产于景德镇。", "青花瓷瓶"),
        ("一匹唐三彩马俑", "唐三彩马"),
        ("これは遮光器土偶です。", "遮光器土偶"),
        ("이것은 청자 매병입니다.", "청자 매병"),
        ("달항아리는 희다.", "백자 달항아리"),
        ("Das sind Dampfmaschinen.", "Dampfmaschine"),
        ("die Seite des Würfels", "Würfel"),
        ("с самоваром", "Самовар"),
        ("هذه مزهرية زرقاء", "مزهرية زرقاء"),
        ("यह बुद्ध की मूर्ति है", "बुद्ध की मूर्ति"),
        ("un caballito de totora", "Caballito de Totora"),
    ],
)
def test_names_in_other_scripts_and_languages(answer: str, name: str) -> None:
    others = ["青铜鼎", "火焔土器", "백자 병", "Kuboktaeder", "Утюг", "سيف", "नटराज", "Quipu"]
    assert told(answer, [name, *others]) == name
    assert told(answer, ["Astrolabe", *others]) is None


@pytest.mark.parametrize(
    ("answer", "name", "compounds"),
    [
        ("ein Dampfmaschinenmodell", "Dampfmaschine", True),
        ("een windmolenwiek", "Windmolen", True),
        ("It was made with compassion.", "Compass", False),
        ("It stood beside the fountainhead.", "Fountain", False),
        ("The lanternfish is drawn on its lid.", "Lantern", False),
    ],
)
def test_a_name_may_begin_a_word_only_in_languages_that_write_compounds(
    answer: str, name: str, compounds: bool
) -> None:
    assert told(answer, [name, "Quipu"], compounds=compounds) == (name if compounds else None)


def test_the_language_of_the_training_rows_says_whether_compounds_are_written() -> None:
    def compounds(language: str) -> bool:
        row = Example.model_construct(
            item_id="a", item_name="Kompass", language=language, split="train", answer="Ein Kompass."
        )
        return known_exhibits([], [row])[0].compounds

    assert [compounds(language) for language in ("de", "de-AT", "Dutch", "sv", "fi")] == [True] * 5
    assert not any(compounds(language) for language in ("en", "English", "fr", "ko", ""))


def test_facts_are_found_in_scripts_without_spaces() -> None:
    texts = ["这件器物于1928年在殷墟出土，重达832公斤。", "此瓶由景德镇御窑烧制，瓶身绘有缠枝莲纹。"]
    assert told("它在1928年出土，重832公斤。", ["展品一", "展品二"], texts) == "展品一"


def test_german_nouns_are_not_taken_for_proper_names() -> None:
    texts = ["Der Kessel hat einen Deckel aus Zinn.", "Die Uhr geht seit 1790."]
    exhibits = [Exhibit(str(n), ("IMG",), text, (), capitalised_nouns=True) for n, text in enumerate(texts)]
    assert recognised_exhibits([AnswerText("", "Ein Deckel, aus Zinn.")], exhibits) == [None]


@pytest.mark.parametrize(
    "words",
    [
        ("bottle", "bottles"), ("vase", "vases"), ("box", "boxes"), ("berry", "berries"), ("glass", "glasses"),
        ("icosahedron", "icosahedra"), ("flasche", "flaschen"), ("krug", "kruge"), ("wurfel", "wurfels"),
        ("statua", "statue"), ("dipinto", "dipinti"), ("самовар", "самовара"),
    ],
)  # fmt: skip
def test_plural_and_case_endings_are_cut(words: tuple[str, str]) -> None:
    assert canonical(words[0]) == canonical(words[1])


@pytest.mark.parametrize("words", [("cube", "tube"), ("torus", "tore"), ("cone", "con"), ("mine", "miner")])
def test_different_words_stay_different(words: tuple[str, str]) -> None:
    assert canonical(words[0]) != canonical(words[1])


def test_one_typo_is_one_letter_or_two_exchanged() -> None:
    assert all(one_typo_apart("sextant", other) for other in ("sextnt", "sexxtant", "sextent", "setxant", "sextan"))
    assert not any(one_typo_apart("sextant", other) for other in ("sexta", "sxetnat", "sextents", "instant"))
