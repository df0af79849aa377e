r"""Escapes such as `\ud800`, which JSON and YAML can spell and no file can hold."""

from pathlib import Path

from tests.markdown_files import written

from docent.stages.ingest.fetch.images import addresses_of
from docent.text.encodings.surrogates import without_surrogates


def test_a_pair_becomes_its_character_and_a_lone_one_a_replacement() -> None:
    assert without_surrogates("a\ud83d\ude00b\ud800c") == "a\U0001f600b\ufffdc"
    assert without_surrogates("Töne") == "Töne"


def test_front_matter_with_a_lone_surrogate_can_be_stored(tmp_path: Path) -> None:
    found = written(
        tmp_path, '---\ntitle: "Vase \\ud800"\ndescription: "\\ud83d\\ude00"\n---\n# One\n\nText is here.\n'
    )
    assert found.meta == {"title": "Vase \ufffd", "description": "\U0001f600"}
    assert found.model_dump_json().encode()


def test_addresses_and_captions_with_a_lone_surrogate_can_be_stored() -> None:
    (listed,) = addresses_of('["http://a.example/\\ud800.jpg"]')
    (named,) = addresses_of('{"side \\udfff": "http://a.example/b.jpg"}')
    assert listed.url == "http://a.example/\ufffd.jpg" and named.caption == "side \ufffd"
