"""The letters beyond ASCII and the most frequent words of languages, and the encodings from before Unicode they had.

A table of facts for telling encodings apart; reads and writes nothing. Letters are lower case; their capitals count as
well. Letters of frequent loan words are among them. Chinese, Japanese and Korean have rules in `legacy_encodings`.
"""

from __future__ import annotations

from dataclasses import dataclass

_WESTERN = ("cp1252", "iso8859_15", "mac_roman", "cp850")
_CENTRAL = ("cp1250", "iso8859_2", "mac_latin2", "cp852")
_TURKISH = ("cp1254", "iso8859_9", "mac_turkish")
_BALTIC = ("cp1257", "iso8859_13")
_CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "mac_cyrillic")
_GREEK = ("cp1253", "iso8859_7", "mac_greek")


@dataclass(frozen=True)
class Alphabet:
    """One language.

    Attributes:
        letters: lower case, beyond ASCII.
        words: frequent words that say little, as a sign of the language.
        encodings: Python's names of the codecs that texts of the language were written in.
    """

    language: str
    letters: frozenset[str]
    words: frozenset[str]
    encodings: tuple[str, ...]


def _alphabet(language: str, encodings: tuple[str, ...], letters: str, words: str) -> Alphabet:
    return Alphabet(language, frozenset(letters + "µ"), frozenset(words.split()), encodings)


ALPHABETS = (
    _alphabet(
        "English", _WESTERN, "éèêëàâçïîöüäñæœôáíó", "the and of is in to was with for on by from at are it this that"
    ),
    _alphabet(
        "German",
        _WESTERN,
        "äöüßéèêàâçñ",
        "der die das und ist in von mit für auf ein eine den dem des im zu aus nicht wird wurde bei",
    ),
    _alphabet(
        "French",
        _WESTERN,
        "àâæçéèêëîïôœùûüÿ",
        "le la les de des du et est un une dans en au aux par pour sur avec ce cette qui que il",
    ),
    _alphabet(
        "Spanish",
        _WESTERN,
        "áéíóúüñç",
        "el la los las de del y es en un una con por para que se su al fue lo como más",
    ),
    _alphabet(
        "Portuguese",
        _WESTERN,
        "áâãàçéêíóôõúü",
        "o os as de do da dos das e é em um uma com por para que se no na foi não ao",
    ),
    _alphabet("Catalan", _WESTERN, "àèéíïòóúüç", "el la els les de del i és en un una amb per que se al va dels"),
    _alphabet("Italian", _WESTERN, "àèéìíîòóù", "il la le gli di del della e è in un una con per che si da al nel"),
    _alphabet("Dutch", _WESTERN, "éëèêïíóöüáàäç", "de het een en van is in op met voor te dat door bij uit aan werd"),
    _alphabet(
        "Swedish",
        _WESTERN,
        "åäöéüà",
        "och är i en ett av på med för som till det de från inte varje får kan",
    ),
    _alphabet(
        "Danish or Norwegian",
        _WESTERN,
        "åæøéöäüèòô",
        "og er en et af av på med for som til det de fra ikke hver kan må",
    ),
    _alphabet("Finnish", _WESTERN, "åäö", "ja on oli se ei että joka tai kun ovat myös sen mutta"),
    _alphabet("Icelandic or Faroese", _WESTERN, "áéíóúýþðæöø", "og er í að var á en sem til við frá það með hann um"),
    _alphabet("Czech", _CENTRAL, "áčďéěíňóřšťúůýžöüä", "a je v na se z do s byl byla bylo jsou pro od za po který ve"),
    _alphabet("Slovak", _CENTRAL, "áäčďéíĺľňóôŕšťúýžöü", "a je v na sa z do s bol bola bolo sú pre od za po ktorý vo"),
    _alphabet("Polish", _CENTRAL, "ąćęłńóśźżéöü", "i w z na jest się do od przez dla po o oraz nie był była to za"),
    _alphabet("Hungarian", _CENTRAL, "áéíóöőúüűä", "a az és egy nem is hogy van volt meg ez ezt készült"),
    _alphabet("Croatian or Slovene", _CENTRAL, "čćđšž", "i je u na se za od s su da iz bio ili in v z po pri"),
    _alphabet("Romanian", _CENTRAL, "ăâîşţ", "şi de la în cu pe din este a un o care fost al"),
    _alphabet("Turkish", _TURKISH, "çğıöşüâîûi̇", "ve bir bu için ile de da olarak olan en gibi çok daha su yer"),
    _alphabet("Lithuanian", _BALTIC, "ąčęėįšųūž", "ir yra iš į su buvo kad ar tai nuo per kaip"),
    _alphabet("Latvian", _BALTIC, "āčēģīķļņšūž", "un ir no ar uz par bija kas tika kā vai pie"),
    _alphabet("Estonian", _BALTIC, "äöõüšž", "ja on oli ei see et ka ning mis kui aga"),
    _alphabet(
        "Russian",
        _CYRILLIC,
        "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
        "и в на не с по что из от для как это был была к за у о года",
    ),
    _alphabet(
        "Ukrainian", _CYRILLIC, "абвгдежзийклмнопрстуфхцчшщьюяєіїґ", "і в на не з що та для до від як це був за у по"
    ),
    _alphabet("Bulgarian", _CYRILLIC, "абвгдежзийклмнопрстуфхцчшщъьюя", "и в на не с от за се да е са по като"),
    _alphabet("Serbian", _CYRILLIC, "абвгдђежзијклљмнњопрстћуфхцчџш", "и у на је се за од са да су из"),
    _alphabet(
        "Greek",
        _GREEK,
        "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
        "και το η ο του της στο στη με για από τα είναι την",
    ),
    _alphabet("Hebrew", ("cp1255", "iso8859_8"), "אבגדהוזחטיךכלםמןנסעףפץצקרשת", "של את על לא הוא עם זה היא גם כל"),
    _alphabet(
        "Arabic",
        ("cp1256", "iso8859_6"),
        "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيـپچژگ",
        "في من على إلى أن هذا هذه التي الذي هو مع عن",
    ),
    _alphabet("Thai", ("cp874",), "".join(map(chr, range(0x0E01, 0x0E2F))) + "ะาำเแโใไๅ", ""),
)
