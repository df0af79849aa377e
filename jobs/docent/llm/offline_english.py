"""Questions that an English sentence answers by its grammar: `The tower is 36 m high.` tells how high the tower is.

For the offline teacher, which has other questions for sentences that fit no pattern here. A pattern that is not sure of
what it sees gives nothing. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LEMMAS = (
    "accept add affect allow apply assume attach become begin belong bring build carry cause change check choose "
    "clean close combine compare comprise configure connect consist contain contribute control convert copy "
    "correspond cost cover create decrease define delete depend deploy describe detect determine develop differ "
    "display divide download enable end ensure enter establish exceed execute experience explain extend extract "
    "feature flash follow form format generate handle hold identify improve include increase indicate insert "
    "install introduce involve invest join last lead learn limit load log look maintain manage mark mean measure "
    "modify monitor mount move multiply occur offer open operate perform permit place play prevent prioritize "
    "process produce promise promote protect prove provide publish push put reach read receive reduce refer "
    "relate release rely remain remove repeat replace represent require reset resize restart result return rotate "
    "run scale select send separate serve set share sign skip specify stand start stop store suggest supply "
    "support switch take tell touch train transfer transform trigger turn type update verify view visit wait want "
    "warn wash weigh wipe wish work write "
    "stay save keep fade harm sell buy hang count dim rest find jump scatter stutter register drop"
).split()
_IRREGULAR = (
    "began begun became brought built chosen cut drawn driven ended fed fell felt found grew grown held kept laid "
    "led left lent lost made meant met mounted paid put ran read risen said sat sent set shown sold spent spoken "
    "stood stored taken taught thought told took went wrote written worn wound known called named given done seen "
    "born drilled thrown torn frozen hidden stolen shaken spun swung hung bent lit shut blown fallen broken forgotten "
    "slid lay lie lies sit sits struck stuck swept sunk shrunk"
).split()


def _third(lemma: str) -> str:
    if lemma.endswith(("s", "sh", "ch", "x", "z")):
        return f"{lemma}es"
    return f"{lemma[:-1]}ies" if lemma.endswith("y") and lemma[-2] not in "aeou" else f"{lemma}s"


def _past(lemma: str) -> str:
    if lemma.endswith("e"):
        return f"{lemma}d"
    return f"{lemma[:-1]}ied" if lemma.endswith("y") and lemma[-2] not in "aeou" else f"{lemma}ed"


_THIRD = {_third(lemma): lemma for lemma in _LEMMAS}
BASE_FORMS, THIRD_FORMS = frozenset(_LEMMAS), frozenset(_THIRD)
_IMPERATIVE = frozenset(_LEMMAS) | {"use", "make", "press", "note", "ask"}
VERBS = frozenset(
    [*_LEMMAS, *_THIRD, *map(_past, _LEMMAS), *_IRREGULAR, "installing", "using", "leading", "sees", "lets"]
)
"""Forms that divide one term from the next."""
_WHAT = frozenset(
    "affect allow cause comprise contain contribute control cover define describe detect determine display enable "
    "ensure experience explain feature form generate hold identify improve include increase indicate introduce "
    "involve limit manage measure monitor offer perform prevent prioritize produce promote protect provide "
    "receive reduce represent require serve specify store suggest supply support trigger update verify".split()
)
_PREPOSITION = {
    **{"consist": "of", "depend": "on", "belong": "to", "refer": "to", "result": "in", "lead": "to", "rely": "on"},
    **{"correspond": "to", "contribute": "to", "apply": "to", "differ": "from"},
}
_HOW = {"weigh": "How much", "cost": "How much", "last": "How long", "take": "How long", "measure": "How much"}
_SIZES = "high tall long wide deep thick old heavy large big".split()
_PLACED = "located stored mounted installed placed kept situated housed found".split()
_WANTED = "required needed recommended necessary responsible allowed used available".split()
_BE = ("is", "are", "was", "were")
_MODAL = ("must", "should", "can", "may", "will")
_NO_SUBJECT = frozenset(
    "it its this that these those they there he she we you i if when after before once to for in on at by with "
    "while since as please note and or but so because although during from under over through until also however "
    "instead then thus therefore what which who where how here each both another one other your our my their his "
    "her at up above below about among between within without despite unlike like rather according upon such even "
    "just why are is".split()
)
_SMALL = frozenset("the a an all every some most many no two three four five six seven eight nine ten twelve".split())
# A question that would end so lost what its sentence says next.
_DANGLING = re.compile(r"\b(?:before|after|until|for|of|in|on|at|by|with|from|to|and|or|once|when|than|about|except)$")
_PRONOUN = re.compile(r"\b(it|its|they|them|their|this|these|those|he|she|his|her|we|our|us|I|my)\b")
_UNIT = (
    r"(?:about |around |approximately |at least |at most |up to |only |nearly |almost )?"
    r"[$€£]?\d[\d.,]*(?:\s?(?:%|°\s?[CF]?|[A-Za-z]{1,12}))?"
)
_WHEN_TAIL = re.compile(r"\s(in (?:the year )?(?:[A-Z][a-z]+ )?(?:1[5-9]|20)\d\d|on \d{1,2} [A-Z][a-z]+ \d{4})$")


@dataclass(frozen=True)
class Asked:
    """A question, and the words of the sentence that answer it; "" where only all of it does."""

    question: str
    short: str = ""
    general: bool = False
    """Whether only the document says what is meant: then its title has to stand in the question."""


def questions_of(sentence: str, text: str) -> list[Asked]:
    """Questions that a sentence answers, the surest first; `text` is where it stands.

    The first word of a sentence is written small where it is no name.
    """
    said = sentence.strip().rstrip(".!")
    if len(said) > 400 or said.endswith("?") or re.search(r"[\"“”;:]", said):
        return []
    return [*_led(said), *_purposed(said), *_stated(said, text)]


def _led(said: str) -> Iterator[Asked]:
    """`If the lamp flashes, replace it.` answers `What should be done if the lamp flashes?`."""
    found = re.match(r"(If|When|Once|Before|After|Until|While) ([^,]{5,90}), (?:then )?(.+)", said)
    if not found or _PRONOUN.search(found[2]):
        return
    main = found[3].split()
    wish = main[0].lower() in _IMPERATIVE or found[3].startswith(("please ", "you should ", "you must ", "you need "))
    link, starts_as_noun = found[1].lower(), main[0].lower() in _NO_SUBJECT | _SMALL or main[0].endswith("s")
    wish = wish or (not starts_as_noun and re.match(r"[a-z]+ (?:it|the|an?|both|them)\b", found[3]) is not None)
    if wish:
        yield Asked(f"What should be done {link} {found[2]}?", general=True)
    elif found[3].startswith("you can "):
        yield Asked(f"What can you do {link} {found[2]}?", general=True)
    elif re.match(r"\w+ing\b", found[2]) or re.search(r"\b(?:was|were|had|\w{2,}ed)\b", found[2]):
        return  # what happened once does not happen whenever
    elif link in ("if", "when") and not found[3].startswith(("you ", "we ", "I ")):
        yield Asked(f"What happens {link} {found[2]}?", general=True)


def _purposed(said: str) -> Iterator[Asked]:
    """Instructions with a purpose or a time, as `To reset it, ...` or `Clean the filter every 6 months.` are."""
    if (found := re.match(r"To ([a-z]+ [^,]{3,80}), (\w+)", said)) and not _PRONOUN.search(found[1]):
        if found[2] in _IMPERATIVE or found[2] in ("you", "please"):
            yield Asked(f"How do you {found[1]}?", general=True)
    first = said.split(" ", 1)[0].lower()
    if said.startswith("Use ") and (found := re.match(r"Use ([^,]{2,80}?) to ([a-z]+ [^,]{3,80})$", said)):
        if not _PRONOUN.search(found[2]):
            yield Asked(f"What should be used to {found[2]}?", _short(found[1]), general=True)
    if first not in _IMPERATIVE or "," in said or _PRONOUN.search(said):
        return
    asked = said[0].lower() + said[1:]
    if (found := re.match(r"(.{8,90}?) (every .{3,40})$", asked)) and not _DANGLING.search(found[1]):
        yield Asked(f"How often should you {found[1]}?", _short(found[2]), general=True)
    elif found := re.match(r"(.{8,90}?) ((?:before|after|once|when|as soon as) .{3,60})$", asked):
        yield Asked(f"When should you {found[1]}?", _short(found[2]), general=True)
    elif found := re.match(rf"(.{{8,90}}?) (for {_UNIT})$", asked):
        yield Asked(f"How long should you {found[1]}?", _short(found[2][4:]), general=True)


def _stated(said: str, text: str) -> Iterator[Asked]:
    """Sentences of subject, verb and the rest."""
    tokens = said.split(" ")
    for place, token in enumerate(tokens[1:9], 1):
        subject, rest = " ".join(tokens[:place]), " ".join(tokens[place + 1 :])
        verbal = token in _BE or token in _MODAL or token in ("has", "have", "had") or token in _THIRD
        if not verbal and not (token.endswith("ed") and place >= 2):
            continue
        if not _is_subject(subject) or not rest:
            return
        written = _written(subject, text)
        general = not re.search(r"[A-Z0-9]", written)
        for asked in _by_verb(written, token, rest):
            if not _PRONOUN.search(asked.question):
                yield Asked(asked.question, asked.short, general)
        return


def _by_verb(subject: str, verb: str, rest: str) -> Iterator[Asked]:
    if verb in _BE:
        yield from _being(subject, verb, rest)
    elif verb in ("has", "have"):
        yield from _having(subject, "does" if verb == "has" else "do", rest)
    elif verb in _MODAL:
        yield from _modal(subject, verb, rest)
    elif verb in _THIRD:
        yield from _acting(subject, _THIRD[verb], rest)
    elif verb.endswith("ed") and re.search(r"\b[A-Z]\w+ [A-Z]\w|^[A-Z]\w+$", subject) and " by " not in rest:
        yield Asked(f"Who {verb} {rest}?", _short(subject))


def _being(subject: str, be: str, rest: str) -> Iterator[Asked]:
    first, _, after = rest.partition(" ")
    if size := re.match(rf"({_UNIT}) ({'|'.join(_SIZES)})\b", rest):
        yield Asked(f"How {size[2]} {be} {subject}?", size[1])
    elif re.fullmatch(_UNIT, rest):
        yield Asked(f"What {be} {subject}?", rest)
    elif found := re.match(r"(called|named|known as) (.+)", rest):
        yield Asked(f"What {be} {subject} {found[1]}?", _short(found[2]))
    elif first in _WANTED and re.match(r"(?:for|if|due|when|by|in) ", after):
        yield Asked(f"What {'was' if be in ('was', 'were') else 'is'} {rest}?", _short(subject))
    elif first.endswith("ed") or first in _IRREGULAR:
        yield from _done(subject, be, rest)
    elif re.match(r"(?:an?|the|one of) ", rest) and len(rest.split()) >= 3:
        yield Asked(f"{_who(subject, rest)} {be} {subject}?")


def _done(subject: str, be: str, rest: str) -> Iterator[Asked]:
    """What was done with the subject: where, when, of what."""
    first, _, after = rest.partition(" ")
    if first in _PLACED and re.match(r"(?:in|at|on|near|under|inside|behind|next) ", after):
        yield Asked(f"Where {be} {subject} {first}?", _short(after))
    elif when := _WHEN_TAIL.search(rest):
        yield Asked(
            f"When {be} {subject} {rest[: when.start()]}?", _short(re.sub(r"^(in|on) (the year )?", "", when[1]))
        )
    elif first == "used" and re.match(r"(?:to|for) ", after):
        yield Asked(f"What {be} {subject} used for?")
    elif first == "made" and after.startswith("of "):
        yield Asked(f"What {be} {subject} made of?", _short(after[3:]))
    elif first.endswith("ed") and (found := re.match(r"(of|on|into|to|from) [^,]+$", after)):
        yield Asked(f"What {be} {subject} {first} {found[1]}?")


def _who(subject: str, rest: str) -> str:
    return "Who" if re.match(r"an? \w*\s?\w*(?:ist|ician|er|or) (?:who|from|and|of)\b", rest) else "What"


def _having(subject: str, does: str, rest: str) -> Iterator[Asked]:
    if found := re.match(r"(\d+|two|three|four|five|six|seven|eight|nine|ten|twelve) ([a-z]+s)\b", rest):
        yield Asked(f"How many {found[2]} {does} {subject} have?", f"{found[1]} {found[2]}")
    elif found := re.match(rf"an? ([A-Za-z-]+(?: [a-z]+)?) of ({_UNIT})\b", rest):
        yield Asked(f"What {found[1]} {does} {subject} have?", found[2])


def _modal(subject: str, modal: str, rest: str) -> Iterator[Asked]:
    passive = re.match(r"(be \w+(?:ed|en|t)(?: [^,]{3,50}?)??) ((every|before|after|when|if|once) [^,]{3,60})$", rest)
    if passive and not _DANGLING.search(passive[1]):
        ask = "How often" if passive[3] == "every" else "When"
        yield Asked(f"{ask} {modal} {subject} {passive[1]}?", _short(passive[2]))
    elif not rest.startswith(("be ", "have ", "not ")) and rest.split()[0] in _IMPERATIVE and modal != "will":
        yield Asked(f"What {modal} {subject} do?")


def _acting(subject: str, lemma: str, rest: str) -> Iterator[Asked]:
    if lemma in _HOW and (found := re.match(rf"({_UNIT})(?:$|[ ,])", rest)):
        yield Asked(f"{_HOW[lemma]} does {subject} {lemma}?", found[1])
    elif found := re.match(r"(\d+|two|three|four|five|six|seven|eight|nine|ten|twelve) ([a-z]+s)\b", rest):
        yield Asked(f"How many {found[2]} does {subject} {lemma}?", f"{found[1]} {found[2]}")
    elif (preposition := _PREPOSITION.get(lemma)) and rest.startswith(f"{preposition} "):
        yield Asked(f"What does {subject} {lemma} {preposition}?")
    elif lemma in _WHAT and not rest.startswith(("to ", "that ", "whether ", "how ", "in ", "by ", "with ", "from ")):
        yield Asked(f"What does {subject} {lemma}?")


def _is_subject(subject: str) -> bool:
    """Whether words can stand as the subject of a question by themselves."""
    tokens = subject.split()
    first = tokens[0].lower()
    if (
        not 1 <= len(tokens) <= 8
        or first in _NO_SUBJECT
        or first.endswith("ly")
        or first in _IMPERATIVE
        or "," in subject
    ):
        return False
    return not re.search(
        r"\b(?:that|which|who|where|when|if|because|not|you|we|it|they)\b|[()]", subject, re.IGNORECASE
    )


def _written(subject: str, text: str) -> str:
    """A subject as it is written inside of a sentence."""
    first, _, rest = subject.partition(" ")
    small = first.lower()
    is_plain = first[1:] == small[1:]
    if small in _SMALL or (is_plain and re.search(rf"\b{re.escape(small)}\b", text)):
        return f"{small} {rest}".strip()
    # `Found property` and `Dried gel` are no names either.
    if is_plain and rest[:1].islower() and (small in _IRREGULAR or small.endswith("ed")):
        return f"{small} {rest}"
    is_plural = small.endswith("s") and not small.endswith("ss") and is_plain
    if is_plural and not re.search(rf"[a-z,] {re.escape(first)}\b", text):
        return f"{small} {rest}".strip()
    return subject


def _short(words: str) -> str:
    """Words as a short answer, where they are few."""
    words = words.strip(" ,.")
    return words if 1 <= len(words.split()) <= 5 else ""


def what_causes(sentence: str) -> str:
    """`A loose cable causes false alarms.` gives `what causes false alarms?`, no causal verb gives nothing."""
    found = re.match(r"[^,]{3,80}? (causes?|leads? to|results? in) ([^,;:]{3,80})[.!]$", sentence)
    if not found or _PRONOUN.search(found[2]):
        return ""
    return f"what {_singular(found[1])} {found[2]}?"


def _singular(verb: str) -> str:
    first, space, rest = verb.partition(" ")
    return f"{first if first.endswith('s') else first + 's'}{space}{rest}"


def why_question(effect: str, text: str) -> str:
    """`The road is closed` -> `Why is the road closed?`; "" where the sentence has no verb that can go first."""
    effect = re.sub(r"^(?:please )?(?:also )?note that ", "", effect, flags=re.IGNORECASE)
    tokens = effect.split()
    for place, token in enumerate(tokens[1:9], 1):
        if token in (*_BE, *_MODAL) and _is_subject(" ".join(tokens[:place])) and tokens[place + 1 :]:
            question = f"Why {token} {_written(' '.join(tokens[:place]), text)} {' '.join(tokens[place + 1 :])}?"
            return "" if _PRONOUN.search(question) else question
        if token in _THIRD:
            break
    return ""
