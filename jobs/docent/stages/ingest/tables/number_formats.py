"""Format the numbers of a spreadsheet by their format codes: `1,240.00 €`, `12.5 kg`, `25%`.

Format codes are defined in ECMA-376 part 1, 18.8.31. Colours, alignment and padding are ignored. Reads and writes no
files.
"""

import math
import operator
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

_DIGITS = 15
"""Significant digits that a spreadsheet shows of a number."""
MAX_FORMAT_CHARS = 255
# Quoted text, an escaped character, padding, fill, brackets, `General`, an exponent, or one character.
_TOKEN = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^\]]*\]?|General|E[+-](?=[0#?])|.', re.IGNORECASE | re.DOTALL)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?)\]")
_CURRENCY = re.compile(r"\[\$([^\[\]-]*)(?:-[^\[\]]*)?\]")
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_PLACE = frozenset("0#?")
_TESTS = {"<": operator.lt, ">": operator.gt, "=": operator.eq, "<=": operator.le, ">=": operator.ge, "<>": operator.ne}


def plain_number(value: float) -> str:
    """Return a number as shown without a format, with at most 15 significant digits."""
    return str(value) if isinstance(value, int) else f"{value:.{_DIGITS}g}"


def shown_number(value: float, code: str) -> str:
    """Return a number as the format code shows it, or plain if the code is unusable."""
    if not math.isfinite(value) or len(code) > MAX_FORMAT_CHARS:
        return plain_number(value)
    try:
        return _formatted(value, code)
    except (ArithmeticError, ValueError, IndexError):  # an invalid code, or a number that it cannot show
        return plain_number(value)


def _formatted(value: float, code: str) -> str:
    section, sign = _section_for(value, code)
    # Padding (`_`), fill (`*`), colours and conditions (`[`) are not shown; currencies (`[$`) are.
    tokens = [one for one in _TOKEN.findall(section) if one[0] not in "_*" and (one[0] != "[" or one[1:2] == "$")]
    if not any(token in _PLACE or token.lower() == "general" or token == "@" for token in tokens):
        text = "".join(map(_literal, tokens)).strip()
        return text or ("" if section else plain_number(value))
    return sign + " ".join(_filled(abs(value), tokens).split())


def _section_for(value: float, code: str) -> tuple[str, str]:
    """Return the section of a code that applies to a value, and the sign to put before it, or "" if it has its own."""
    # The semicolons between sections are tokens; those in quotes are not.
    sections = "".join("\0" if token == ";" else token for token in _TOKEN.findall(code)).split("\0")
    sign = "-" if value < 0 else ""
    conditions = [_CONDITION.search(section) for section in sections[:2]]
    if any(conditions):
        for section, condition in zip(sections, conditions, strict=False):
            if condition and _TESTS[condition[1]](value, float(condition[2])):
                return section, sign
        return sections[min(len(sections), 3) - 1], sign
    if value < 0 and len(sections) > 1:
        # A section that only changes the colour would lose the sign.
        positive, negative = (_BRACKETS.sub("", section) for section in sections[:2])
        return sections[1], sign if positive == negative else ""
    if value == 0 and len(sections) > 2:
        return sections[2], ""
    return sections[0], sign


def _literal(token: str) -> str:
    """Return the text of a token that is shown literally."""
    if token[0] == '"':
        return token.strip('"')
    if token[0] == "\\":
        return token[1:]
    currency = _CURRENCY.match(token)
    return currency[1] if currency else token


def _filled(value: float, tokens: list[str]) -> str:
    """Return the number in its digit places, with the literal text around it."""
    general = next((index for index, token in enumerate(tokens) if token.lower() == "general" or token == "@"), None)
    if general is not None:
        return "".join([*map(_literal, tokens[:general]), plain_number(value), *map(_literal, tokens[general + 1 :])])
    places = [index for index, token in enumerate(tokens) if token in _PLACE]
    first, last = places[0], places[-1]
    # A point or comma directly after the digit places belongs to them.
    while last + 1 < len(tokens) and tokens[last + 1] in ",.":
        last += 1
    if first and tokens[first - 1] == ".":
        first -= 1
    digits = _digits(value * 100 ** tokens.count("%"), tokens[first : last + 1])
    return "".join([*map(_literal, tokens[:first]), digits, *map(_literal, tokens[last + 1 :])])


@dataclass(frozen=True)
class _Places:
    """Digits of a format: the minimum before the point (`whole`), the minimum (`fixed`) and maximum (`most`) after it.

    `grouped` is whether thousands are separated; the number is divided by 1000 `scale` times.
    """

    whole: int
    fixed: int
    most: int
    grouped: bool
    scale: int


def _digits(value: float, tokens: list[str]) -> str:
    exponent = next((index for index, token in enumerate(tokens) if token[0] in "Ee" and len(token) == 2), None)
    if exponent is not None:
        places = _places(tokens[:exponent])
        width = sum(token in _PLACE for token in tokens[exponent:])
        mantissa, _, power = f"{value:.{places.most}e}".partition("e")
        sign = "-" if int(power) < 0 else "+" if tokens[exponent][1] == "+" else ""
        return f"{mantissa}E{sign}{abs(int(power)):0{width}d}"
    if "/" in tokens:
        return _fraction(value, tokens)
    places = _places(tokens)
    number = _rounded(value, places)
    whole, _, part = f"{abs(number):f}".partition(".")
    part = part[: places.fixed] + part[places.fixed :].rstrip("0")
    whole = whole.lstrip("0").zfill(places.whole) if places.whole or whole.strip("0") else ""
    if any(len(token) > 1 or token not in "0#?,." for token in tokens):
        return ("-" if number < 0 else "") + _interleaved(whole, part, tokens)
    if places.grouped:
        whole = f"{int(whole or 0):,}" if len(whole) <= 3 or not whole.startswith("0") else whole
    if not number and all(token in "?,." for token in tokens):
        return ""  # a zero in an accounting format, such as `"-"??`
    return ("-" if number < 0 else "") + (f"{whole}.{part}" if part else whole or "0")


def _places(tokens: list[str]) -> _Places:
    point = tokens.index(".") if "." in tokens else len(tokens)
    places = [index for index, token in enumerate(tokens) if token in _PLACE]
    last_whole = max((index for index in places if index < point), default=-1)
    commas = [index for index, token in enumerate(tokens) if token == ","]
    behind = [tokens[index] for index in places if index > point]
    scale = sum(index > (places[-1] if places else 0) or last_whole < index < point for index in commas)
    return _Places(
        whole=sum(tokens[index] == "0" for index in places if index < point),
        fixed=max((number for number, token in enumerate(behind, 1) if token == "0"), default=0),
        most=len(behind),
        grouped=any(index < last_whole for index in commas),
        scale=scale,
    )


def _rounded(value: float, places: _Places) -> Decimal:
    with localcontext() as context:
        context.prec = 700
        number: Decimal = Decimal(plain_number(value)) / 1000**places.scale
        return number.quantize(Decimal(1).scaleb(-places.most), ROUND_HALF_UP)


def _interleaved(whole: str, part: str, tokens: list[str]) -> str:
    """Return the digits in their places with the literal text between them, as in `000"-"00`."""
    count = sum(token in _PLACE for token in tokens[: tokens.index(".") if "." in tokens else len(tokens)])
    digits = list(whole.rjust(count, " "))
    head, digits = "".join(digits[: len(digits) - count]), digits[len(digits) - count :]
    shown, seen_point = [head], False
    rest = list(part)
    for token in tokens:
        if token == ".":
            seen_point = True
            shown.append("." if part else "")
        elif token in _PLACE:
            source = rest if seen_point else digits
            shown.append(source.pop(0) if source else "")
        elif token != ",":
            shown.append(_literal(token))
    return "".join(shown)


def _fraction(value: float, tokens: list[str]) -> str:
    """Return a fraction: `1 1/2` for the format `# ?/?`, `3/2` for `?/?`."""
    slash = tokens.index("/")
    below = "".join(tokens[slash + 1 :]).strip()
    largest = 10 ** min(sum(token in _PLACE for token in tokens[slash + 1 :]), 4) - 1
    number = Fraction(plain_number(abs(value)))
    fixed = int(below) if below.isdecimal() else 0
    fraction = (fixed and Fraction(round(number * fixed), fixed)) or number.limit_denominator(max(largest, 1))
    sign = "-" if value < 0 and fraction else ""
    whole, rest = divmod(fraction.numerator, fraction.denominator)
    if " " not in tokens[:slash]:  # no place for a whole number
        return f"{sign}{fraction.numerator}/{fraction.denominator}"
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole} {rest}/{fraction.denominator}" if whole else f"{sign}{rest}/{fraction.denominator}"
