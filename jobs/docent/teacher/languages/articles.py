"""Find the definite article of a German, French or Spanish column name if its last noun shows the gender.

`Versorgungsspannung` becomes `die Versorgungsspannung`, by endings and a list of nouns that name measures and
properties; if neither covers the noun, nothing is guessed. Reads and writes nothing.
"""

import re

from docent.teacher.source.words import table

_ENDINGS: dict[str, dict[str, str]] = table("articles")
# `Abmessungen`, `Maße`, `Spannungen`: plurals, which need another form of the verb.
_DE_PLURAL = re.compile(r"(?:ungen|heiten|keiten|tionen|maße|teile|daten|werte|zeiten|größen)$")


def with_article(label: str, code: str) -> str:
    """Add the article to a property's name, as inside a sentence; return "" if its gender is not known.

    Args:
        label: the name in a column or key, such as `Tension d'alimentation`.
    """
    if not re.fullmatch(r"[^\W\d_][\w '’.-]{1,48}", label) or label.isupper():
        return ""
    if code == "de":
        if " " in label or _DE_PLURAL.search(label.lower()):
            return ""  # an adjective would need its ending: `maximaler Druck`, `der maximale Druck`
        return _articled(label, label, _ENDINGS["de"])
    head = re.split(r" |['’]", label)[0]
    plain = label[:1].lower() + label[1:] if label[1:2].islower() else label
    if code == "fr":
        articled = _articled(plain, head, _ENDINGS["fr"])
        return re.sub(r"^l[ea] (?=[aeiouéèêâîô]|h(?:eure|uile|umidité|istoire|orloge))", "l'", articled)
    return _articled(plain, head, _ENDINGS["es"])


_NAMED_BY_WORDS: dict[str, str] = table("said_in_words")


def is_property(label: str, code: str) -> bool:
    """Check whether a column is a property that is stated in words: `couleur`, not `paiement`."""
    return label.lower().split(" ")[0] in _NAMED_BY_WORDS[code].split()


def interrogative(label: str, code: str) -> str:
    """Return the interrogative for a property, `quelle` for `Pression`, `welchen` for `Hersteller`, or "" for none.

    In German it is in the accusative, as `hat` follows: `Welchen Hersteller hat ...?`
    """
    article = with_article(label, code)
    if code == "de" and article:
        return {"die": "welche", "der": "welchen", "das": "welches"}[article[:3]]
    if code != "fr" or not article:
        return ""
    return "quelle" if _articled(label, re.split(r" |['’]", label)[0], _ENDINGS["fr"]).startswith("la ") else "quel"


def of_thing(thing: str) -> str:
    """Return a French or Spanish name with `of` and its article: `du programme 4`, `del programa 4`."""
    for article, contracted in (("le ", "du "), ("el ", "del ")):
        if thing.startswith(article):
            return f"{contracted}{thing.removeprefix(article)}"
    return f"de {thing}"


def _articled(label: str, head: str, endings: dict[str, str]) -> str:
    """Return the label with the article of the longest ending that its head has."""
    low = head.lower()
    known = [(len(end), article) for article, ends in endings.items() for end in ends.split() if low.endswith(end)]
    article = max(known)[1] if known else ""
    return f"{article}{'' if article.endswith(' ') else ' '}{label}" if article else ""
