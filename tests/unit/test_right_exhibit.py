"""Which exhibit an answer is about, on the texts of the sample museum: for nonsense none, or one at random."""

from __future__ import annotations

import csv
import random
import re
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from docent.evidence.naming import Exhibit
from docent.evidence.recognition import AnswerText, recognised_exhibits
from docent.text.sentences import split_sentences

MUSEUM = Path(__file__).resolve().parents[2] / "samples/museum/raw_data.csv"
QUESTION = "What am I looking at?"


def museum() -> list[Exhibit]:
    with MUSEUM.open(encoding="utf-8-sig", newline="") as file:
        return [Exhibit(row["item_name"], (row["item_name"],), row["description"]) for row in csv.DictReader(file)]


EXHIBITS = museum()
CHANCE = 1 / len(EXHIBITS)
TEXTS = {exhibit.id: exhibit.text or "" for exhibit in EXHIBITS}


def spoken(item: str) -> str:
    return item.replace("-", " ")


def references() -> list[tuple[str, str]]:
    """(exhibit, answer): its name and two neighbouring sentences of its text."""
    return [
        (item, f"This is the {spoken(item)}. {first} {second}")
        for item, text in TEXTS.items()
        for first, second in pairwise(split_sentences(text))
    ]


def nameless(item: str, answer: str) -> str:
    """The answer with pronouns in place of the exhibit's name, and without the sentence that introduces it."""
    answer = re.sub(r"^This is the [^.]+\. ", "", answer)
    return re.sub(rf"\b(?:(?:an?|the|this) )?{spoken(item)}s?\b", "it", answer, flags=re.IGNORECASE)


def told(answers: Sequence[str], question: str = QUESTION, exhibits: Sequence[Exhibit] = EXHIBITS) -> list[str | None]:
    return recognised_exhibits([AnswerText(question, answer) for answer in answers], exhibits)


def share(items: Sequence[str], answers: Sequence[str], question: str = QUESTION) -> float:
    return sum(item == of for item, of in zip(items, told(answers, question), strict=True)) / len(items)


ITEMS = [item for item, _ in references()]
ANSWERS = [answer for _, answer in references()]


def test_references_are_about_their_exhibits() -> None:
    assert share(ITEMS, ANSWERS) == 1


def test_references_that_never_say_the_name_are_recognised_by_their_facts() -> None:
    answers = [nameless(item, answer) for item, answer in references()]
    assert not any(spoken(item) in answer for item, answer in zip(ITEMS, answers, strict=True))
    found = told(answers)
    assert sum(item == of for item, of in zip(ITEMS, found, strict=True)) >= 0.9 * len(ITEMS)
    wrong = [(item, of) for item, of in zip(ITEMS, found, strict=True) if of not in (None, item)]
    assert len(wrong) <= 0.02 * len(ITEMS), wrong


@pytest.mark.parametrize("words", [5, 15, 40, 120])
@pytest.mark.parametrize("seed", [11, 12])
def test_a_salad_of_the_museums_words_is_at_or_below_chance(words: int, seed: int) -> None:
    rng = random.Random(1000 * words + seed)
    vocabulary = " ".join(TEXTS.values()).split()
    salads = [" ".join(rng.choices(vocabulary, k=words)) for _ in ITEMS]
    assert share(ITEMS, salads) <= CHANCE


def test_a_long_salad_names_so_much_that_it_is_about_nothing() -> None:
    rng = random.Random(5)
    vocabulary = " ".join(TEXTS.values()).split()
    salads = [" ".join(rng.choices(vocabulary, k=300)) for _ in range(200)]
    assert sum(of is not None for of in told(salads)) < 0.25 * len(salads)


def test_answers_of_other_exhibits_are_wrong() -> None:
    names = list(TEXTS)
    other = dict(zip(names, [*names[1:], names[0]], strict=True))
    assert share([other[item] for item in ITEMS], ANSWERS) == 0


@pytest.mark.parametrize("seed", range(5))
def test_answers_shuffled_between_exhibits_are_at_chance(seed: int) -> None:
    shuffled = list(ANSWERS)
    random.Random(seed).shuffle(shuffled)
    noise = (CHANCE * (1 - CHANCE) / len(ITEMS)) ** 0.5
    assert abs(share(ITEMS, shuffled) - CHANCE) <= 3 * noise


@pytest.mark.parametrize(
    "question",
    [
        "What am I looking at?",
        "Who discovered the gyroid while working for NASA in 1970?",
        "How many edges has the cube, and why is the Klein bottle famous?",
    ],
)
def test_the_question_repeated_tells_nothing(question: str) -> None:
    assert told([question, f"{question} {question}", f"You asked: {question}"], question) == [None] * 3


def test_a_name_counts_where_the_question_says_only_a_part_of_it() -> None:
    question = "Who made this bottle, and is the gyroid near?"
    answers = ["A Klein bottle.", "This bottle is a Klein bottle.", "A bottle.", "The gyroid.", "The torus."]
    assert told(answers, question) == ["klein-bottle", "klein-bottle", None, None, "torus"]


def test_facts_tell_of_an_exhibit_that_the_question_names() -> None:
    question = "What is special about the gyroid?"
    answers = ["The gyroid is beautiful.", "Alan Schoen described the gyroid in a report, and it divides space."]
    assert told(answers, question) == [None, "gyroid"]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " \n",
        "???",
        "This is an exhibit.",
        "The picture shows a golden looping tube.",
        "It is a white solid with cut corners.",
        "This is a teal wavy ring.",
        "A blue turned vessel on a table, made in 1926.",
        "Arctic flowers drown for his having a long-shaped person who is a person.",
        "A smooth shiny object with several holes, perhaps a toy.",
    ],
)
def test_what_any_photo_could_get_is_about_none(answer: str) -> None:
    assert told([answer]) == [None]


def test_all_names_in_a_row_and_all_texts_in_a_row_are_about_none() -> None:
    assert told([", ".join(map(spoken, TEXTS)), " ".join(TEXTS.values())]) == [None, None]


@pytest.mark.parametrize(
    ("answer", "item"),
    [
        ("That would be a Klein bottle!", "klein-bottle"),
        ("KLEIN-BOTTLES have no inside", "klein-bottle"),
        ("You see the Möbius strip.", "mobius-strip"),
        ("Here are two icosahedra.", "icosahedron"),
        ("a kind of icosahedrn", "icosahedron"),
        ("Borromaen rings made of brass", "borromean-rings"),
        ("one of the tori", "torus"),
        ("Menger's famous sponge", "menger-sponge"),
        ("The stellated dodecahedron has sharp points.", "small-stellated-dodecahedron"),
        ("I think it is a trefoil.", "trefoil-knot"),
    ],
)
def test_names_are_found_in_every_form(answer: str, item: str) -> None:
    assert told([answer]) == [item]


@pytest.mark.parametrize(
    ("answer", "item"),
    [
        ("An ant that walks once along the middle comes back upside down; Escher let red ants crawl over it.",
         "mobius-strip"),
        ("Alan Schoen found this surface when he worked at NASA. It looks like a block of smooth tunnels.", "gyroid"),
        ("A ring shaped like a doughnut, as the inner tube of a bicycle tyre.", "torus"),
        ("It has 12 corners and 20 faces; five triangles meet at each corner.", "icosahedron"),
        ("Sixty-six thousand business cards were folded into it by volunteers that Jeannine Mosely led.",
         "menger-sponge"),
    ],
)  # fmt: skip
def test_paraphrases_with_two_facts_are_recognised_without_the_name(answer: str, item: str) -> None:
    assert told([answer]) == [item]


@pytest.mark.parametrize(
    ("answer", "item"),
    [
        ("A truncated icosahedron.", "truncated-icosahedron"),
        ("An icosahedron.", "icosahedron"),
        ("A truncated octahedron.", "octahedron"),
        ("A cuboctahedron.", None),
        ("A rhombicuboctahedron.", None),
        ("The rhombic dodecahedron, not the dodecahedron.", "rhombic-dodecahedron"),
    ],
)
def test_the_longest_name_counts(answer: str, item: str | None) -> None:
    assert told([answer]) == [item]


@pytest.mark.parametrize(
    ("answer", "item"),
    [
        ("The octahedron is the dual of the cube.", "octahedron"),  # its text names the cube
        ("A cube or a torus.", None),
        ("It might be the gyroid. It might be the helicoid.", None),
        ("It is not a cube.", None),
        ("It is not the cube but the gyroid.", "gyroid"),
        ("Unlike the torus, the Klein bottle has no inside.", "klein-bottle"),
        ("The gyroid is a surface. The gyroid has no straight line, while the helicoid has many.", "gyroid"),
        ("A cube or a torus? A smooth ring shaped like a doughnut, or the inner tube of a tyre.", "torus"),
        (
            "Its corners sit over the centres of a cube's six faces; in magnetite and spinel it often grows.",
            "octahedron",
        ),
        ("This is the cube. Its corners sit over the middle of faces.", "cube"),
    ],
)
def test_of_several_names_the_first_counts_where_it_prevails(answer: str, item: str | None) -> None:
    assert told([answer]) == [item]


def test_mixed_facts_of_two_exhibits_are_about_neither() -> None:
    strip = "Heinrich Tietze was the first, in 1910."
    torus = "Percy Heawood was the first, in 1890."
    assert told([strip, torus, f"{strip} {torus}"]) == ["mobius-strip", "torus", None]


def test_one_phrase_is_one_fact() -> None:
    assert told(["Percy Heawood.", "Percy Heawood, in 1890."]) == [None, "torus"]
    assert told(["It is shaped like a doughnut.", "Like a doughnut shaped, a smooth ring."]) == [None, "torus"]


def test_time_grows_with_the_answers_and_exhibits_not_with_their_product() -> None:
    def seconds(count: int) -> float:
        rng = random.Random(count)
        words = ["".join(rng.choices("abcdefghij", k=7)) for _ in range(6 * count)]
        pairs = [pairwise(words[n::count]) for n in range(count)]
        answers = [", ".join(f"its {first} {second}" for first, second in found) for found in pairs]
        exhibits = [Exhibit(str(n), (f"portrait of {words[n]}",), answer) for n, answer in enumerate(answers)]
        start = time.process_time()
        assert told(answers, exhibits=exhibits) == [exhibit.id for exhibit in exhibits]
        return time.process_time() - start

    seconds(50)
    assert seconds(800) < 4 * 8 * max(seconds(100), 0.01)
