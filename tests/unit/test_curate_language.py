"""The language gate: sure of what it rejects, silent where it is not."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from docent.stages.curate.gates.language import code_of, code_of_text, wrong_language
from docent.text.detection import language_of_text
from docent.text.sentences import split_sentences

ROOT = Path(__file__).resolve().parents[2]
SAID = {
    "en": "The turntable stands still while the cover is off, and the light stays on.",
    "de": "Der Drehteller steht still, solange die Haube abgenommen ist, und das Licht bleibt an.",
    "fr": "Le plateau reste immobile tant que le couvercle est retiré, et la lumière reste allumée.",
    "es": "El plato permanece quieto mientras la cubierta está retirada, y la luz sigue encendida.",
    "it": "Il piatto resta fermo mentre il coperchio è tolto, e la luce rimane accesa.",
    "pt": "O prato fica parado enquanto a tampa está retirada, e a luz continua acesa.",
    "nl": "Het draaiplateau staat stil zolang de kap eraf is, en het licht blijft aan.",
    "pl": "Talerz stoi nieruchomo, gdy pokrywa jest zdjęta, a światło pozostaje włączone.",
    "ko": "덮개가 벗겨져 있는 동안 회전판은 멈춰 있고 조명은 켜져 있습니다.",
    "ja": "カバーが外れている間、回転台は止まり、照明は点いたままです。",
    "zh": "盖子取下时，转台保持静止，灯光保持亮着。",
    "ru": "Пока крышка снята, поворотный стол неподвижен, а свет остаётся включённым.",
    "ar": "يبقى القرص ثابتا عندما يكون الغطاء مرفوعا ويبقى الضوء مضاء.",
    "th": "แท่นหมุนจะหยุดนิ่งในขณะที่ฝาครอบเปิดอยู่และไฟยังคงติด",
}


@pytest.mark.parametrize("code", SAID)
def test_a_sentence_is_in_its_own_language_and_in_no_other(code: str) -> None:
    assert wrong_language(SAID[code], code) is None
    taken = [other for other in SAID if other != code and wrong_language(SAID[code], other) is None]
    assert taken == (["es"] if code == "pt" else []), "one sentence of Portuguese might be Spanish"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Yes.", "de"),
        ("Amazon EC2 p3dn.24xlarge", "ko"),
        ("EC2 인스턴스는 Amazon 콘솔에서 Launch Instance 버튼으로 시작합니다.", "ko"),
        ("Klein bottle, torus, Möbius strip", "fr"),
        ("sin x cos y + sin y cos z + sin z cos x = 0", "en"),
        ("https://example.org/der/die/das/und/nicht/ein/haus", "en"),
        ("El Niño, La Niña", "en"),
        ("1837 — 1842", "ja"),
        ("Das ist `SELECT name FROM table WHERE id = 1`", "de"),
        ("anything at all in whatever language", ""),
    ],
)
def test_names_numbers_code_and_short_texts_are_let_through(text: str, code: str) -> None:
    assert wrong_language(text, code) is None


def test_no_piece_of_the_museum_is_taken_for_another_language() -> None:
    with (ROOT / "samples" / "museum" / "raw_data.csv").open(encoding="utf-8-sig", newline="") as file:
        sentences = [s for row in csv.DictReader(file) for s in split_sentences(row["description"])]
    rng = random.Random(1)
    pieces = list(sentences)
    for words in (sentence.split() for sentence in sentences):
        for length in (5, 8):
            start = rng.randrange(max(1, len(words) - length + 1))
            pieces.append(" ".join(words[start : start + length]))
    assert len(pieces) > 500
    assert [piece for piece in pieces if wrong_language(piece, "en")] == []


def test_languages_are_known_by_name_and_code_and_unknown_ones_are_not_checked() -> None:
    assert [code_of(name) for name in ("English", "ko", "Japanese", "Klingon")] == ["en", "ko", "ja", ""]


def test_the_language_of_a_source_is_told_only_when_it_is_clear() -> None:
    told = {code: code_of_text(f"{SAID[code]} {SAID[code]}") for code in ("en", "de", "fr", "ko", "ja", "zh", "ru")}
    assert told == {code: code for code in told}
    assert code_of_text("Klein bottle") == ""


SHRUBS = "Rosa canina, Prunus spinosa, Crataegus monogyna, Sambucus nigra, Cornus sanguinea and Viburnum opulus"


@pytest.mark.parametrize("code", ["en", "de", "fr", "es", "it"])
@pytest.mark.parametrize(
    "text",
    [
        f"{SHRUBS}.",
        f"{SHRUBS}, Corylus avellana, Euonymus europaeus, Ligustrum vulgare, Frangula alnus.",
        "Monstera deliciosa, Anthurium andraeanum, Philodendron bipinnatifidum, Dieffenbachia seguine",
    ],
)
def test_a_list_of_latin_names_is_no_latin(text: str, code: str) -> None:
    assert wrong_language(text, code) is None
    assert code_of_text(f"{text} {text} {text}") != "la"


def test_a_sentence_with_latin_names_is_in_the_language_of_its_function_words() -> None:
    assert wrong_language(f"The drawers hold {SHRUBS} of the valley.", "en") is None
    assert wrong_language("In den Schubladen sind Rosa canina, Prunus spinosa und Sambucus nigra.", "de") is None


def test_latin_prose_is_latin() -> None:
    prose = "Arma virumque cano, qui primus ab oris Troiae venit, et multum ille et terris iactatus est et alto."
    assert wrong_language(prose, "en") == "la"


def test_a_long_list_of_names_is_in_no_unknown_language() -> None:
    assert language_of_text("\n".join([SHRUBS.replace(" and", ",")] * 3)) == ""
    estonian = "Laev ehitati kahekümne aasta eest saarel ning seilas pärast seda mitu korda üle lahe vastasrannale"
    assert language_of_text(f"{estonian}. {estonian}.") == "?"
