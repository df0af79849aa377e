"""Which language a text is written in, by its script and its function words. No model, no package.

`curate` compares short answers with a detector of letter sequences; here the text is longer and the question is only
which language to ask in, before anything runs and on a machine that may have no stage installed. Reads and writes
nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from docent.text.terms import STOP_WORDS_OF, folded

UNKNOWN = "?"
"""The code of a text that is long enough to tell, and in none of the languages below."""
MAX_CHARS = 4_000
MIN_WORDS = 12
MIN_SHARE, MAX_SHARE_UNKNOWN = 0.14, 0.08
"""Share of function words: at least this much for a language; less than this of every language for UNKNOWN."""
MAX_SHARE_CAPITALS = 0.33
"""A text in which more words have a capital is a list of names: it has no function words in any language."""
MIN_LEAD = 1.25
"""The best language has so many times the function words of the second."""
MIN_SCRIPT_SHARE = 0.3
_SCRIPTS = {
    "ko": "HANGUL",
    "ja": "HIRAGANA",
    "zh": "CJK",
    "ru": "CYRILLIC",
    "ar": "ARABIC",
    "he": "HEBREW",
    "hi": "DEVANAGARI",
    "bn": "BENGALI",
    "th": "THAI",
}
MIN_KANA_SHARE = 0.1
"""Less than this in kana is Chinese with a Japanese name in it."""
# Function words of languages that text/terms.py has no list of; enough to tell them from the others.
_MORE = {
    "cs": "a aby ale by byl byla bylo byly do jako je jeho jejich jen již k která které který kteří na nebo od po pod "
    "podle pro při s se si tak to tento u v ve více z za ze že",
    "pl": "a aby ale by był była było były dla do i ich jak jako jego jej jest która które który na nad nie niej od "
    "oraz po pod przez przy się są ta tak ten tej to tym w we z za ze że",
    "tr": "bir bu da daha de değil en gibi göre her ile için ise kadar olan olarak olup sonra şu tarafından ve veya "
    "vardır ya çok",
    "da": "af at blev de den der det efter en er et for fra har hvor i ikke ind kan man med men og om på sig som så "
    "til ud under var ved",
    "fi": "ei että hän ja joka jonka jossa kanssa kun kuin mutta myös mukaan niin nämä oli on ovat sekä se sen tai "
    "tämä vuonna",
    "hu": "a az azt csak de egy el ez hogy is ki még mint meg nem és ha vagy volt van után által",
    "ro": "a al ale au care ce cu de din după este fost la mai nu o pe pentru prin se sunt și s-a un în într",
    "sv": "att av de den det efter en ett för från har i inte kan man med men när och om på sig som så till under ur "
    "var vid är",
    "vi": "bị các cho có của cùng cũng không là lại một này những nhưng như năm người ra rất sau số theo thì trên "
    "trong từ và vào với được đã đến để",
}
_LATIN = (
    "ab ac ad atque autem cum de ego eius enim est et etiam ex haec hic hoc id in inter ita me nam nec neque non nunc "
    "per pro qua quae quam quarum quem qui quia quibus quid quo quod quoque quorum sed si sic sine sub sum sunt suo te "
    "tamen tu ubi usque ut vel"
)
"""Latin is told from names of animals and plants by these; texts in Latin are in no language that is asked in."""
_WORD_LISTS = {**STOP_WORDS_OF, **{code: frozenset(map(folded, words.split())) for code, words in _MORE.items()}}
_LATIN_WORDS = frozenset(_LATIN.split())
_WORD = re.compile(r"[^\W\d_]+")
_NO_PROSE = re.compile(r"`[^`]*`|\b\w+://\S+")


def language_of_text(text: str) -> str:
    """Code of the language of a text.

    Returns:
        A code (ISO 639-1), not necessarily of text/languages.yaml; UNKNOWN where the text is long enough and has the
        function words of no known language; "" where it is too short, or two languages are equally likely.
    """
    text = _NO_PROSE.sub(" ", text[:MAX_CHARS])
    if found := _by_script(text):
        return found
    words = [folded(word) for word in _WORD.findall(text)]
    if len(words) < MIN_WORDS:
        return ""
    shares = {code: sum(word in known for word in words) / len(words) for code, known in _WORD_LISTS.items()}
    (best, share), (_, second) = sorted(shares.items(), key=lambda entry: -entry[1])[:2]
    if share >= MIN_SHARE and share >= MIN_LEAD * second:
        return best
    listed = sum(word[0].isupper() for word in _WORD.findall(text)) > MAX_SHARE_CAPITALS * len(words)
    return UNKNOWN if share < MAX_SHARE_UNKNOWN and len(words) >= 2 * MIN_WORDS and not listed else ""


def function_words(code: str) -> frozenset[str]:
    """Function words of a language, folded; none of a language that there is no list of."""
    return _LATIN_WORDS if code == "la" else _WORD_LISTS.get(code, frozenset())


def _by_script(text: str) -> str:
    """The language of a text in a script of its own; UNKNOWN for a script of no known language."""
    scripts = Counter(unicodedata.name(c, "?").split(" ", 1)[0] for c in text if c.isalpha() and not c.isascii())
    total = sum(c.isalpha() for c in text)
    if not total:
        return ""
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    if kana >= MIN_KANA_SHARE * total and kana + scripts["CJK"] >= MIN_SCRIPT_SHARE * total:
        return "ja"
    for code, script in _SCRIPTS.items():
        if scripts[script] >= MIN_SCRIPT_SHARE * total:
            return code
    foreign = total - scripts["LATIN"] - sum(c.isascii() and c.isalpha() for c in text)
    return UNKNOWN if foreign > total / 2 and total >= 2 * MIN_WORDS else ""
