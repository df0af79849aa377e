"""Encodings from before Unicode: read where the text settles them, refused with those that would fit where not."""

import time
from pathlib import Path

import pytest
from tests.loading import loaded

from docent.config.sources import Source
from docent.records import Reject
from docent.stages.ingest.exhibits.folder_loader import list_exhibits
from docent.text.encodings.decode import detect, read_text, why_unknown

TEXTS = {
    "de": "Die Schüssel aus Ton wurde für den Kaiser gefertigt. Größe und Länge stehen auf dem Schild.\r",
    "fr": "Le pichet a été façonné à la main pour le marché; la poignée est très abîmée, la couleur passée.\n",
    "es": "La vasija fue hecha en España para el señor de la casa; la inscripción está más arriba.\n",
    "pt": "O relógio não está na exposição; a peça é do século dezenove e foi feita em Portugal.\n",
    "pl": "Dzbanek został wykonany z gliny, a jego ucho jest pęknięte. Źródło: księga gości.\n",
    "cs": "Konvička byla vyrobena z cínu; její ucho je poškozené a víko chybí. Dárek od přátel muzea.\n",
    "hu": "A kancsó agyagból készült, és a füle törött. Ez volt a legszebb tárgy az őrségi gyűjteményben.\n",
    "tr": "Sürahi kilden yapılmış ve bir sapı kırılmıştır. Müzenin deposunda bulunan en eski eşya olarak bilinir.\n",
    "ru": "Кувшин сделан из глины, а его ручка отбита. Он был найден на дне реки.\n",
    "uk": "Глечик зроблено з глини, його ручка відбита. Він був знайдений на дні річки.\n",
    "el": "Η κανάτα είναι από πηλό και το χερούλι της έχει σπάσει. Βρέθηκε στο ποτάμι.\n",
    "ko": "이 주전자는 흙으로 만들었습니다. 손잡이가 깨졌습니다. 강에서 발견되었습니다.\n",
    "ja": "この水差しは粘土で作られています。取っ手が壊れています。川で見つかりました。\n",
    "zh": "这个水壶是用泥土做的,把手已经坏了。它是在河里发现的,现在在我们的博物馆里。\n",
    "zh-Hant": "這個水壺是用泥土做的,把手已經壞了。它是在河裡發現的,現在在我們的博物館裡。\n",
}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("de", "mac_roman"),
        ("de", "cp1252"),
        ("de", "iso8859_15"),
        ("de", "cp850"),
        ("fr", "mac_roman"),
        ("fr", "cp1252"),
        ("es", "mac_roman"),
        ("es", "cp1252"),
        ("pt", "cp1252"),
        ("pl", "iso8859_2"),
        ("pl", "cp1250"),
        ("cs", "iso8859_2"),
        ("cs", "cp1250"),
        ("hu", "iso8859_2"),
        ("tr", "cp1254"),
        ("ru", "cp1251"),
        ("ru", "koi8_r"),
        ("ru", "cp866"),
        ("ru", "iso8859_5"),
        ("uk", "cp1251"),
        ("el", "iso8859_7"),
        ("ko", "cp949"),
        ("ja", "shift_jis"),
        ("ja", "euc_jp"),
        ("ja", "iso2022_jp"),
        ("zh", "gb18030"),
        ("zh", "gbk"),
        ("zh-Hant", "big5"),
    ],
)
def test_a_text_of_some_sentences_is_read_in_the_encoding_of_its_language(language: str, encoding: str) -> None:
    assert read_text(TEXTS[language].encode(encoding), "a.txt") == TEXTS[language]


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_with_a_mark_and_without(language: str, encoding: str) -> None:
    assert read_text(TEXTS[language].encode(encoding), "a.txt") == TEXTS[language]


@pytest.mark.parametrize(
    ("text", "encoding", "fitting"),
    [
        ("Ort\nKöln\n", "mac_roman", ["cp1250", "mac_roman"]),
        ("Origen\nEspaña\n", "cp1252", ["cp1252", "cp1250"]),
        ("ПРЕДМЕТ\nВАЗА\n", "cp1251", ["cp1251", "koi8_r"]),
    ],
)
def test_a_word_that_several_encodings_explain_is_refused_with_a_list_of_them(
    tmp_path: Path, text: str, encoding: str, fitting: list[str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    refused = loaded("csv", path)
    assert (refused.documents, refused.reasons) == ([], ["text in an unknown encoding"])
    detail = refused.rejects[0].detail
    assert "these encodings would fit" in detail and "ingest.rows.encoding" in detail and "see byte" in detail
    assert all(name in detail for name in fitting)
    named = loaded("csv", path, rows={"encoding": encoding})
    assert named.sections[0].text == text.strip().replace("\n", ": ")


def test_the_encoding_of_a_source_counts_before_that_of_its_kind(tmp_path: Path) -> None:
    (tmp_path / "dish").mkdir()
    (tmp_path / "dish" / "description.txt").write_bytes("Köln".encode("mac_roman"))
    (refused,) = list_exhibits(Source(kind="exhibits-folder", path=tmp_path))
    assert isinstance(refused, Reject)
    assert "encoding of the source" in refused.detail and "mac_roman" in refused.detail
    (read,) = list_exhibits(Source(kind="exhibits-folder", path=tmp_path, encoding="mac_roman"))
    assert not isinstance(read, Reject) and read.text == "Köln"


def test_markdown_in_an_old_encoding_is_read_like_other_text(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(f"# Konvička\n\n{TEXTS['cs']}".encode("iso8859_2"))
    assert loaded("markdown", path).sections[0].text == TEXTS["cs"].strip()


def test_one_broken_byte_in_utf_8_is_refused_with_its_place_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Größe und Länge\nder Gefäße: ".encode() + b"f\xfcnf Zoll\n")
    found = loaded("txt", path)
    assert found.documents == []
    assert "not UTF-8, see byte 0xfc in line 2" in found.rejects[0].detail


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfa\xff", b"\xff\xfea\x00\x00\xd8", b"\xff\xfe\x00\x00abc"])
def test_a_mark_that_does_not_fit_its_text_is_refused(data: bytes) -> None:
    assert detect(data) is None
    assert "its mark says" in why_unknown(data, "encoding")


def test_an_encoding_that_does_not_fit_is_named_with_the_byte_that_shows_it() -> None:
    assert why_unknown("a\nü".encode(), "ingest.text.encoding", "ascii") == (
        "it is not ascii, see byte 0xc3 in line 2; correct ingest.text.encoding"
    )


@pytest.mark.parametrize("data", [b"\xe4\xb8" * 500_000, b"\xff" * 500_000, bytes(range(128, 256)) * 10_000])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    assert detect(data) is None


@pytest.mark.parametrize("between", ["\n", " "])
def test_what_stands_among_much_plain_text_is_looked_at_and_time_grows_with_the_length_alone(between: str) -> None:
    plain = f"The jug was found at the river, and it is in the hall now.{between}"

    def seconds(lines: int) -> float:
        data = (plain * lines + "Gäste, Müller, Größe\n").encode("cp1252")
        started = time.process_time()
        assert read_text(data, "a.txt") == data.decode("cp1252")
        return time.process_time() - started

    seconds(10)
    assert seconds(16_000) < 20 * max(seconds(4_000), 0.02)
