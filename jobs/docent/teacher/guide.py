"""Provide the wordings of dialogues about exhibits, by language: questions, introductions, lengths.

visitor.py chooses the sentences; this module handles the differences between languages. The introduction names the
exhibit that an answer is about in a form that needs neither article nor gender, unless the text itself has the article.
Reads data/visitor_questions.yaml of the package; writes nothing.
"""

import re

from docent.teacher.english.grammar.clauses import is_plural
from docent.teacher.source.words import UNSPACED, data_file, regexes, table
from docent.text.languages import find_language
from docent.text.sentences import count_words
from docent.text.terms import length_in_words

ENGLISH = "en"
LANGUAGE_VERSIONS = {"de": 3, "fr": 3, "es": 3, "ko": 3, "ja": 3, "zh": 3}
"""Versions of languages other than English, raised when replies in that language change: part of the request."""
LETTERS_PER_WORD = 2
_INTRODUCTIONS: dict[str, list[str]] = table("introduction")
_NAMELESS: dict[str, list[str]] = table("nameless")
_POLITE = regexes("polite")
_ARTICLES: dict[str, str] = table("name_article")
_POSSESSIVES = ("my", "our", "your", "his", "her", "its", "their", "one")
_COUNTED = r"(my|our|your|his|her|its|their|one|two|three|four|five|six|some)\s"
_PLURAL_ARTICLES = ("los", "las")
_STOP_MARKS = {"ja": "。", "zh": "。"}
_BREAKS = "、，,;；:："


def code_of(language: str) -> str:
    """Return the code of a language that visitor dialogues support, or "" for others; accepts names and codes."""
    code = find_language(language, "generate_qa.language").code
    return code if code == ENGLISH or code in LANGUAGE_VERSIONS else ""


def questions_of(code: str) -> dict[str, list[str]]:
    """Return a language's questions by topic, plainest first."""
    questions: dict[str, list[str]] = data_file("visitor_questions.yaml")[code]
    return questions


def introduction(name: str, text: str, code: str) -> str:
    """Return a sentence that names the exhibit of an answer, for example `Das ist der Himmelsglobus`.

    Args:
        name: the name as used in answers.
        text: the exhibit's text, from which article and spelling are taken if it has them.
    """
    if not any(map(str.isalnum, name)):
        polite, plain = _NAMELESS[code]
        return polite if code in _POLITE and _POLITE[code].search(text) else plain
    name = _unquoted(name)
    if code == ENGLISH:
        return _introduced_in_english(name, text)
    with_article, bare = _INTRODUCTIONS[code]
    if code in _POLITE:
        return (with_article if _POLITE[code].search(text) else bare).format(name=name)
    pattern = _ARTICLES.get(code)
    flags = re.IGNORECASE if code == "fr" else re.NOFLAG
    written = re.search(rf"{pattern}((?i:{re.escape(name)}))(?!\w)", text, flags) if pattern else None
    if written is None:
        return bare.format(name=f"{name[:1].upper()}{name[1:]}")
    article = written[1].lower() if written[1].endswith(("'", "’")) else f"{' '.join(written[1].lower().split())} "
    sentence = with_article.format(article=article, name=written[2])
    return sentence.replace("se ve", "se ven", 1) if article.strip() in _PLURAL_ARTICLES else sentence


def _introduced_in_english(name: str, text: str) -> str:
    """Return `This is the oak chest.` or `These are the oars.`; the name is quoted if no article is certain."""
    if counted := re.match(_COUNTED, name, re.IGNORECASE):
        return f"{'This is' if counted[1].lower() in _POSSESSIVES else 'These are'} {name}."
    said, is_common = _written_in(name, text)
    if not said:
        return f"This is the exhibit “{re.sub(r'^(?:an?|the) ', '', name, flags=re.IGNORECASE)}”."
    head = re.split(r" (?:of|with|from|for|in|on|and|by) ", said)[0].split()[-1]
    is_are = "These are" if is_common and is_plural(head) else "This is"
    return f"{is_are} {'the ' if is_common else ''}{said}."


def _unquoted(name: str) -> str:
    """Return a name without quotation marks around it; those around a part of it become single ones."""
    name = name.strip()
    if len(name) > 1 and name[0] in "\"'“‘" and name[-1] in "\"'”’" and not re.search(r"[\"“”]", name[1:-1]):
        name = name[1:-1].strip()
    return re.sub(r'["“]([^"“”]*)["”]', r"‘\1’", name)


def _written_in(name: str, text: str) -> tuple[str, bool]:
    """Return a name as the text spells it, and whether it is a common noun; "" if that is unknown."""
    for place in re.finditer(rf"\b((?:an?|the|this|these)\s+)?({re.escape(name)})\b", text, re.IGNORECASE):
        if place[1] or place[2][:1].islower():
            return place[2], True
        if re.search(r"[a-z,] $", text[max(0, place.start() - 2) : place.start()]):
            return place[2], False  # a capital within a sentence: a proper name
    bare = re.sub(r"^(?:an?|the)\s+", "", name, flags=re.IGNORECASE)
    first, _, rest = bare.partition(" ")
    if re.search(r"[,;:()\d]", bare) or first[:1].isupper() and not rest[:1].islower():
        return "", False
    if bare.islower() or re.search(rf"(?<![\w.] ){re.escape(first.lower())}\b", text):
        return f"{first.lower()}{bare[len(first) :]}", True
    return "", False


def words_in(text: str, code: str) -> int:
    """Return the length in words, as a reader of the language would count them."""
    return count_words(text) if code == ENGLISH else length_in_words(text)


def as_sentence(heading: str, code: str) -> str:
    """Return a heading with a full stop after it."""
    return f"{heading}{_STOP_MARKS.get(code, '.')}"


def cut(sentence: str, words: int, code: str) -> str:
    """Return the beginning of a sentence, up to the last comma or the last word that fits."""
    if code in UNSPACED:
        kept = sentence[: max(words, 1) * LETTERS_PER_WORD]
    else:
        kept = " ".join(sentence.split()[: max(words, 1)])
    place = max(kept.rfind(mark) for mark in (_BREAKS if code in UNSPACED else ","))
    head = kept[:place] if place > 0 and words_in(kept[:place], code) * 2 >= words else kept
    return as_sentence(head.rstrip(f"{_BREAKS}.。 "), code)
