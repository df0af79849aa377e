"""HTML in cells and descriptions as people paste it: broken, beside text that looks like it, with raised numbers."""

import pytest

from docent.stages.ingest.tables.cell_html import readable_html


@pytest.mark.parametrize(
    "text",
    [
        "valid if a <b and c> d",
        "write to <ann@museum.example>",
        "see <https://museum.example/a?b=c>",
        "from <i or j> on",
        "size <unknown>",
    ],
)
def test_text_in_angle_brackets_that_is_no_tag_stays(text: str) -> None:
    assert readable_html(text) == text
    assert readable_html(f"<p>Note:</p><p>{text}</p>") == f"Note:\n\n{text}"


@pytest.mark.parametrize("tag", ["script src='a.js'/", "svg width=3", "object", "iframe src='x'", "style", "head"])
def test_text_behind_a_dropped_element_that_is_never_closed_is_kept(tag: str) -> None:
    assert readable_html(f"<b>Before</b> <{tag}> and behind") == "Before and behind"


def test_an_element_that_is_closed_is_still_dropped() -> None:
    assert readable_html("a<script>x = 1 < 2</SCRIPT>b<style>p {}</style>c") == "abc"
    assert readable_html("a<svg><g id='1'><text>x</text></g></svg> b") == "a b"


def test_cells_and_blocks_that_are_not_closed_do_not_run_together() -> None:
    assert readable_html("<table><tr><td>Width<td>3 m<tr><td>Height<td>4 m</table>") == "Width | 3 m\nHeight | 4 m"
    assert readable_html("<details><summary>Care</summary>Dust it.</details>") == "Care\n\nDust it."
    assert readable_html("<figure><img alt='A vase'><figcaption>In use</figcaption></figure>") == "A vase\nIn use"
    assert readable_html("<aside>One</aside><nav>Two</nav>Three") == "One\n\nTwo\n\nThree"


def test_a_raised_number_stays_another_number_than_the_one_before_it() -> None:
    assert readable_html("10<sup>3</sup> kg, 5 m<sup>2</sup>, 10<sup>-6</sup> m") == "10³ kg, 5 m², 10⁻⁶ m"
    assert readable_html("the 1<sup>st</sup> of H<sub>2</sub>O") == "the 1st of H2O"


def test_tags_of_a_word_processor_and_flags_are_tags() -> None:
    assert readable_html("<p>One<o:p></o:p></p><hr noshade><p hidden>Two</p><st1:place w:st='on'>Rome</st1:place>") == (
        "One\n\nTwo\n\nRome"
    )
