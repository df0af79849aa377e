"""Plant faults for the curate benchmark: each function turns a clean pair into one that must not be used for training.

Reads and writes no files. A function returns None if the fault does not fit the pair (for example, no number to
change); the caller then tries the next pair.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from curate_pairs import Fact

from docent.records import QAPair, make_id
from docent.text.numbers.decisive import decisive_of
from docent.text.numbers.numbers import CARDINALS, numbers_of
from docent.text.numbers.quantities import quantities_of

Plant = Callable[[QAPair, Fact, Sequence[Fact], random.Random], QAPair | None]

_DIGITS = re.compile(r"(?<![\w.])\d(?:[\d,]*\d)?(?:\.\d+)?")
_WORDS = re.compile(
    rf"(?<!There are )\b(?:{'|'.join(word for word, value in CARDINALS.items() if value > 1)})\b", re.IGNORECASE
)
_UNIT = re.compile(r"(?<=\d )(?:cm|kg|mm|m|seconds|minutes|hours|degrees|centimetres|percent)\b")
_OTHER_UNIT = {
    "cm": "m", "kg": "g", "mm": "cm", "m": "km", "seconds": "minutes", "minutes": "hours", "hours": "days",
    "degrees": "percent", "centimetres": "metres", "percent": "degrees",
}  # fmt: skip
_FULL_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+ [A-Z][a-z]+\b|^(?!The |In |Since |A )[A-Z][a-z]+ [A-Z][a-z]+\b")
OTHER_NAMES = (
    "Amelia Thornbury", "Rutger Vandermeer", "Isabel Quintero", "Tobias Lindqvist", "Priya Raman", "Gregor Haslinger",
    "Beatrix Holloway", "Marco Tedesco", "Yusuf Demir", "Claire Fontanel",
)  # fmt: skip
UNKNOWABLE = (
    ("Who paid for {name} when it was bought?", "A private collector paid for it at an evening auction."),
    ("How did visitors react to {name} in its first week?", "Visitors queued around the building and wrote postcards."),
    ("Which insurance covers {name} on journeys?", "A mutual company insures the transport against theft."),
    ("What music accompanies {name} in the evening show?", "A string quartet plays slow dances after sunset."),
    ("Why did the curator choose the wall colour behind {name}?", "Dark green paint calms tired eyes after lunch."),
)
REFUSED = (
    "I'm sorry, but I cannot answer that question.",
    "As an AI language model, I do not have access to the description.",
    "The provided text does not mention this.",
    "There is no information about this in the passage.",
    "I cannot determine this from the description.",
    "Unfortunately, this is not specified in the text provided.",
    "Der Text enthält dazu keine Angaben.",
    "Le texte ne précise pas cette information.",
    "El texto no menciona ese dato.",
    "죄송합니다. 본문에는 해당 내용이 언급되어 있지 않습니다.",
    "この質問には回答できません。",
    "文中没有提到这一点。",
)
FOREIGN = (
    "Dieses Ausstellungsstück zeigt eine geschlossene Fläche, die in der Mitte ein Loch hat.",
    "Das Modell steht auf einem drehbaren Sockel und wird von oben beleuchtet.",
    "Cette pièce montre une surface fermée dont le centre est percé d'un trou.",
    "Le plateau tourne lentement afin que les visiteurs puissent lire les inscriptions.",
    "Esta pieza muestra una superficie cerrada con un agujero en el centro.",
    "La base contiene el motor que mueve lentamente la plataforma giratoria.",
    "Questo oggetto mostra una superficie chiusa con un foro al centro.",
    "Dit voorwerp toont een gesloten oppervlak met een gat in het midden.",
    "Esta peça mostra uma superfície fechada com um buraco no centro.",
    "이 전시품은 가운데에 구멍이 있는 닫힌 곡면을 보여 줍니다.",
    "この展示品は中央に穴のある閉じた曲面を示しています。",
    "这件展品展示了一个中间有洞的封闭曲面。",
    "Этот экспонат показывает замкнутую поверхность с отверстием посередине.",
)


def changed_number(pair: QAPair, fact: Fact, facts: Sequence[Fact], rng: random.Random) -> QAPair | None:
    """Replace one number, or its unit, with a different one."""
    number, word, unit = (list(p.finditer(pair.answer)) for p in (_DIGITS, _WORDS, _UNIT))
    ways = [way for way, matches in (("number", number), ("word", word), ("unit", unit)) if matches]
    if not ways:
        return None
    way = rng.choice(ways)
    at = rng.choice({"number": number, "word": word, "unit": unit}[way])
    changes = {"number": _other_number, "word": _other_word, "unit": _other_unit}
    new = changes[way](at.group(), rng)
    answer = pair.answer[: at.start()] + new + pair.answer[at.end() :]
    same = numbers_of(answer) == numbers_of(pair.answer) and quantities_of(answer) == quantities_of(pair.answer)
    return None if same else _with(pair, answer=answer)


def _other_number(old: str, rng: random.Random) -> str:
    """Change one digit, swap two digits, move the decimal point, or add a small amount."""
    digits = list(old)
    at = rng.choice([i for i, c in enumerate(digits) if c.isdigit()])
    changed = old[:at] + str((int(old[at]) + rng.randrange(1, 9)) % 10) + old[at + 1 :]
    ways = [
        changed,
        old.replace(".", "") if "." in old else f"{old}0",
        str(float(old.replace(",", "")) + 7).rstrip("0"),
    ]
    return rng.choice(ways).rstrip(".")


def _other_word(old: str, rng: random.Random) -> str:
    others = [word for word, value in CARDINALS.items() if value > 1 and value != CARDINALS[old.lower()]]
    return rng.choice(others)


def _other_unit(old: str, _: random.Random) -> str:
    return _OTHER_UNIT[old]


def swapped_name(pair: QAPair, fact: Fact, facts: Sequence[Fact], rng: random.Random) -> QAPair | None:
    """Replace the name of a person or place with one from another exhibit, or with one that occurs nowhere."""
    names = list(_FULL_NAME.finditer(pair.answer))
    others = [n.group() for f in facts if f.item != fact.item for n in _FULL_NAME.finditer(f.sentence)]
    others = [name for name in (*others, *OTHER_NAMES) if not set(name.split()) & set(fact.item.text.split())]
    if not names or pair.question_type in ("boolean", "true_false_fill_blank"):
        return None
    at = rng.choice(names)
    return _with(pair, answer=pair.answer[: at.start()] + rng.choice(others) + pair.answer[at.end() :])


def repeated(pair: QAPair, fact: Fact, facts: Sequence[Fact], rng: random.Random) -> QAPair | None:
    """Repeat the pair: exactly, with different case and spacing, or with one word changed in a long answer."""
    way = rng.randrange(3)
    if way == 0:
        return _with(pair, index=pair.index + 1)
    if way == 1:
        return _with(pair, question=pair.question.upper(), answer=f" {pair.answer.replace(' ', '  ')}")
    words = pair.answer.split()
    plain = [i for i, word in enumerate(words) if word.islower() and not _decides(word) and i > len(words) // 2]
    if len(words) + len(pair.question.split()) < 30 or not plain:
        return None
    words[rng.choice(plain)] = "indeed"
    return _with(pair, answer=" ".join(words))


def _decides(word: str) -> bool:
    """Return whether replacing this word changes the stated fact, so that both pairs are kept."""
    return bool(decisive_of(word).ordered)


def unanswerable(pair: QAPair, fact: Fact, facts: Sequence[Fact], rng: random.Random) -> QAPair | None:
    """Ask a question that the source does not answer: one that nobody could answer, or one about another item."""
    name = fact.item.title.replace("-", " ").lower()
    if rng.random() < 0.5:
        question, answer = rng.choice(UNKNOWABLE)
        return _with(pair, question=question.format(name=f"the {name}"), answer=answer, question_type="fact_based")
    other = rng.choice([f for f in facts if f.item.document != fact.item.document])
    question = f"What is known about {other.sentence.split(',')[0][:60].rsplit(' ', 1)[0].lower()}?"
    return _with(pair, question=question, answer=other.sentence, question_type="fact_based")


def wrong_language(pair: QAPair, fact: Fact, facts: Sequence[Fact], rng: random.Random) -> QAPair | None:
    """Replace the answer with one in another language."""
    return _with(pair, answer=rng.choice(FOREIGN))


def empty(pair: QAPair, fact: Fact, facts: Sequence[Fact], rng: random.Random) -> QAPair | None:
    """Empty the answer."""
    return _with(pair, answer=rng.choice(["", " \n", "…", "---", "?!"]))


def refusal(pair: QAPair, fact: Fact, facts: Sequence[Fact], rng: random.Random) -> QAPair | None:
    """Replace the answer with a refusal."""
    return _with(pair, answer=rng.choice(REFUSED))


# What is planted, how often among 300 pairs, and which gates are meant to find it.
FAULTS: dict[str, tuple[Plant, int, tuple[str, ...]]] = {
    "changed number": (changed_number, 14, ("unsupported number",)),
    "swapped name": (swapped_name, 10, ("unsupported name",)),
    "duplicate": (repeated, 10, ("duplicate", "near duplicate")),
    "unanswerable": (unanswerable, 8, ("unanswerable",)),
    "wrong language": (wrong_language, 8, ("wrong language",)),
    "empty": (empty, 5, ("empty",)),
    "refusal": (refusal, 5, ("refusal",)),
}


def _with(pair: QAPair, **changes: object) -> QAPair:
    """Return a copy of the pair with other texts and the id that belongs to them."""
    changed = pair.model_copy(update=changes)
    return changed.model_copy(
        update={"id": make_id("generate-qa", changed.parents, changed.index, changed.question, changed.answer)}
    )
