"""Judge whether words and symbols beyond ASCII look like prose of some language, or like misread bytes.

In prose, capitals are at the beginning of words, a word has only one script, and symbols are next to words rather than
inside them. Reads and writes no files.
"""

import re
import unicodedata

LAST_LATIN = "\u024f"
_LETTER = r"[^\W\d_ªº²³¹¼½¾]"
# A letter, then letters and the marks written above and below them; no character is in both sets.
WORD = re.compile(rf"{_LETTER}(?:{_LETTER}|(?![^\W\d_])[\u0300-\u036f\u0e30-\u0e4e])*")
FOREIGN = re.compile("[^\x00-\x7f]")
# Symbols of prose, grouped by which characters may precede them; soft hyphens and no-break spaces may be anywhere.
_ONE_LETTER_WORDS = "àáåæèéêíìòóöøùúÀÉÓÚÅµАВИКОСУЯЄІΗΟ"
_ANYWHERE, _CLOSING = "\xa0\xad", "’”»›…™®©·–—²³¹"
_FREE = "“‘„‚«»‹›–—…•·°§©®™€£¥¢¡¿½¼¾×÷±†‡№²³‰’”"


def is_strange(word: str) -> bool:
    """Return whether a word has capitals inside, mixes scripts, or lacks plain letters."""
    if len(word) == 1:
        return word not in _ONE_LETTER_WORDS and (word <= LAST_LATIN or word.isupper())
    if len(word) > 2 and not word.isupper() and all("\x7f" < letter <= LAST_LATIN for letter in word):
        return True
    for before, letter, after in zip(" " + word, word, word[1:] + " ", strict=False):
        if letter.isupper() and (letter > "\x7f" or before > "\x7f"):
            if before.islower() or (before.isupper() and after.islower()):
                return True
        if letter == "ς" and after.isalpha():
            return True
    scripts = {unicodedata.name(letter, "?").partition(" ")[0] for letter in word if letter != "µ"}
    return len(scripts - {"COMBINING"}) > 1


def strange_symbols(text: str) -> int:
    """Return the number of symbols beyond ASCII that prose does not have, or does not have in these places."""
    count = 0
    for match in FOREIGN.finditer(text):
        symbol = match.group()
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if symbol in _ANYWHERE or (symbol.isalpha() and symbol not in "ªº") or unicodedata.category(symbol) == "Mn":
            # A letter next to a digit, such as a misread pound sign; the micro sign is allowed there.
            latin = symbol.isalpha() and "LATIN" in unicodedata.name(symbol, "")
            count += latin and (before.isdecimal() or after.isdecimal())
        elif symbol in "ªº":
            count += not (before.isdecimal() or before in ("n", "N"))
        elif symbol not in _FREE:
            count += 1
        elif symbol in _CLOSING:
            count += symbol not in "’·–—" and before.isalpha() and after.isalpha()
        else:
            count += before.isalpha() and (after.isalpha() or symbol not in "»›”")
    return count
