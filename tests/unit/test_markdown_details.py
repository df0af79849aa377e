"""Small things in Markdown that change what a statement says."""

from pathlib import Path

from tests.markdown_files import written


def facts(folder: Path, text: str) -> list[str]:
    return [fact.text for section in written(folder, text).sections for fact in section.facts]


def test_a_raised_number_stays_raised_in_a_statement(tmp_path: Path) -> None:
    found = facts(tmp_path, "# Bell\n\nIt weighs 10<sup>3</sup> kg and has 5 m<sup>2</sup> of brass.\n")
    assert found == ["It weighs 10³ kg and has 5 m² of brass."]


def test_a_backslash_that_breaks_a_line_is_no_word_of_the_statement(tmp_path: Path) -> None:
    assert facts(tmp_path, "# Bell\n\nIt was cast\\\nin the year 1700.\n") == ["It was cast in the year 1700."]


def test_letters_that_become_longer_in_lower_case_do_not_shift_what_is_hidden(tmp_path: Path) -> None:
    text = "# Saat\n\n<div>İİİİ saat İstanbul şehrinde durur.<script>x = 1</script> Kule çok yüksektir.</div>\n"
    assert facts(tmp_path, text) == ["İİİİ saat İstanbul şehrinde durur.", "Kule çok yüksektir."]


def test_text_in_angle_brackets_that_is_no_tag_stays_in_a_statement(tmp_path: Path) -> None:
    text = "# Box<T>\n\nA List<String> or Map<K, V> holds <b>all</b> names. Write to <ann@museum.example> for more.\n"
    (section,) = written(tmp_path, text).sections
    assert section.title == "Box<T>"
    assert [fact.text for fact in section.facts] == [
        "A List<String> or Map<K, V> holds all names.",
        "Write to ann@museum.example for more.",
    ]


def test_components_are_tags(tmp_path: Path) -> None:
    text = (
        "# Bell\n\n<Tabs>\n\n<TabItem value='a'>The bell is of bronze.</TabItem>\n\n</Tabs>\n\n"
        "<ComponentWithALongName>\n\nIt rings <Loud>every hour</Loud> and <my-word/> at noon.\n"
    )
    assert facts(tmp_path, text) == ["The bell is of bronze.", "It rings every hour and at noon."]
