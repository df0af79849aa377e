"""Extract the numbers that a text states, in normal form, so that an answer can be checked against its source.

`66,000`, `66’000` and `sixty-six thousand` are 66000; `1.50` is 1.5; `19th` is 19; `1950s` is 1950; units and signs
are ignored (`36 m`, `90°`, `-6`). `one` and ordinal words often are ordinary grammar: in a source they support the
number, but in an answer they do not count as one. The method is lexical: a right number about the wrong thing passes.
"""

import re
from decimal import Decimal, localcontext

from docent.resources import read_yaml
from docent.text.numbers.marks import plain_marks

_LISTS = read_yaml("docent.text", "word_lists.yaml")
_ONES, _ORDINALS = _LISTS["ones"].split(), _LISTS["ordinals"].split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
CARDINALS: dict[str, int] = {
    **{word: value for value, word in enumerate(_ONES)},
    **{word: 20 + 10 * place for place, word in enumerate(_TENS)},
    "dozen": 12,
}
ORDINALS: dict[str, int] = {word: value for value, word in enumerate(_ORDINALS)}
MULTIPLIERS: dict[str, int] = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}

_SPACES = "\u00a0\u2009\u202f"  # no-break, thin and narrow no-break space separate thousands, as the comma does
_TOKEN = re.compile(
    rf"(?P<digits>\d{{1,3}}(?:[,{_SPACES}]\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)|(?P<word>[a-z]+)",
    re.IGNORECASE | re.ASCII,
)
_SPACED_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?: \d{3})+(?![\d.])", re.ASCII)


def numbers_of(text: str) -> list[str]:
    """Return the numbers stated in `text`, in order, with repeats: `['8', '12', '116.57']`."""
    return [_value(spoken) for spoken in _spoken(text) if spoken not in (["one"], ["zero"])]


def supported_by(text: str) -> set[str]:
    """Return the numbers that `text` supports: those it states, their parts, ordinal words, and `one`."""
    spoken = _spoken(text)
    supported = {_value(number) for number in spoken} | {_value([part]) for number in spoken for part in number}
    supported |= {str(ORDINALS[word]) for word in re.findall(r"[a-z]+", text.lower()) if word in ORDINALS}
    return supported | {match.group().replace(" ", "") for match in _SPACED_THOUSANDS.finditer(text)}


def unsupported_numbers(answer: str, source: str) -> list[str]:
    """Return the numbers in `answer` that `source` does not support, in order, without repeats."""
    known = supported_by(source)
    return [number for number in dict.fromkeys(numbers_of(answer)) if number not in known]


def number_support(answer: str, source: str) -> float:
    """Return the share of the numbers in `answer` that `source` supports, with repeats, or 1.0 if it has none."""
    claimed = numbers_of(answer)
    known = supported_by(source)
    return sum(number in known for number in claimed) / len(claimed) if claimed else 1.0


def _spoken(text: str) -> list[list[str]]:
    """Return every number as its tokens: `66 thousand` is one number of two tokens."""
    text = plain_marks(text)
    spoken: list[list[str]] = []
    end = -1  # end of the number that may continue, or -1 if there is none
    for match in _TOKEN.finditer(text):
        token = match.group().lower()
        if not (match["digits"] or token in CARDINALS or token in MULTIPLIERS):
            continue
        if end >= 0 and _goes_on(spoken[-1], text[end : match.start()], token):
            spoken[-1].append(token)
        else:
            spoken.append([token])
        end = match.end()
    return spoken


def _goes_on(number: list[str], between: str, token: str) -> bool:
    """Return whether `token` continues a number: `twenty-four`, `hundred and five`, but not `two, three`."""
    last = number[-1]
    if token in MULTIPLIERS:
        return between in (" ", "-", "\u00a0")
    if token not in CARDINALS:
        return False
    if last in MULTIPLIERS:
        return between in (" ", " and ") and CARDINALS[token] < MULTIPLIERS[last]
    return between in (" ", "-") and last in _TENS and 0 < CARDINALS[token] < 10


def _value(number: list[str]) -> str:
    """Return the value of a number in words or digits, without trailing zeros."""
    total, below_thousand = Decimal(0), Decimal(0)
    with localcontext() as exact:
        exact.prec = 40 + 10 * len(number) + sum(map(len, number))
        for token in number:
            if token in CARDINALS:
                below_thousand += CARDINALS[token]
            elif token not in MULTIPLIERS:
                below_thousand = Decimal(re.sub(rf"[,{_SPACES}]", "", token))
            elif token == "hundred":
                below_thousand = (below_thousand or Decimal(1)) * 100
            else:
                total += (below_thousand or Decimal(1)) * MULTIPLIERS[token]
                below_thousand = Decimal(0)
        written = format(total + below_thousand, "f")
    return (written.rstrip("0").rstrip(".") if "." in written else written) or "0"
