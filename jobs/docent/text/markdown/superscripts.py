"""Convert raised numbers of HTML: without its tags, `10<sup>3</sup>` would be another number."""

from __future__ import annotations

import re

_RAISED = re.compile(r"<sup(?:\s[^<>]{0,200})?>\s{0,20}([+\-\u2212]?[0-9]{1,6})\s{0,20}</sup\s{0,20}>", re.IGNORECASE)
_SIGNS = str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


def with_superscripts(text: str) -> str:
    """Return the text with `<sup>3</sup>` as `³`; other raised text stays as it is."""
    return _RAISED.sub(lambda raised: raised[1].translate(_SIGNS), text)
