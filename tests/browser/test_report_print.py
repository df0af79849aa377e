"""The report on paper, from right to left and in order: a real browser prints it, the PDF's text is read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from tests.report_run import Story, make_run

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install docent[browser]")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
EXHIBITS = ["exhibit 10", "exhibit 2", "Zebra", "Äpfel", "כד חרס"]
MARKERS = ["Markera", "Markerb", "Markerc", "Markerd", "Markere"]
TEXTS = {
    name: f"{marker}: the {name} was turned on a wheel in 1858." for name, marker in zip(EXHIBITS, MARKERS, strict=True)
} | {"כד חרס": "כד חרס משנת 1858 (נשבר), גובהו 12 סנטימטר: Markere."}


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    story = Story(
        exhibits=EXHIBITS, descriptions=TEXTS, photos_each=3, tests_each=1, named=dict.fromkeys(EXHIBITS[:4], "כד חרס")
    )
    return make_run(tmp_path_factory.mktemp("print") / "demo", story)


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


def _opened(browser: sync_api.Browser, html: Path, **options: object) -> sync_api.Page:
    page = browser.new_context(**options).new_page()
    page.goto(html.as_uri())
    return page


def _printed(page: sync_api.Page) -> str:
    document = pypdfium2.PdfDocument(page.pdf(format="A4"))
    try:
        return " ".join(sheet.get_textpage().get_text_range() for sheet in document)
    finally:
        document.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_every_answer_and_reference_is_in_the_print(browser: sync_api.Browser, html: Path, scripts: bool) -> None:
    page = _opened(browser, html, java_script_enabled=scripts)
    said = " ".join(page.locator(".said dd, .said .answer").all_text_contents())
    counts = {marker: said.count(marker) for marker in MARKERS}
    assert all(count > 2 for count in counts.values())
    printed = _printed(page)
    assert {marker: printed.count(marker) for marker in MARKERS} == counts
    assert printed.count("This is an exhibit.") == len(EXHIBITS)
    assert "bootstrap" in printed, "the configuration is folded up on the screen"


def test_the_last_row_of_a_table_over_two_pages_is_printed_once(browser: sync_api.Browser, html: Path) -> None:
    page = _opened(browser, html, bypass_csp=True)
    page.add_style_tag(content=".arms tbody td, table tbody td { padding-bottom: 9rem; }")
    assert _printed(page).count("What a perfect answer would get") == 1


def test_parts_that_were_closed_are_closed_again_after_the_print(browser: sync_api.Browser, html: Path) -> None:
    page = _opened(browser, html)
    before = page.locator("details[open]").count()
    assert before == 1
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == before


def test_a_print_of_a_choice_says_that_it_is_one(browser: sync_api.Browser, html: Path) -> None:
    page = _opened(browser, html)
    page.emulate_media(media="print")
    assert not page.locator("#filter-count").is_visible()
    page.locator("#filter-exhibit").evaluate(
        "node => { node.value = 'Zebra'; node.dispatchEvent(new Event('change', { bubbles: true })); }"
    )
    assert page.locator("#filter-count").is_visible()
    assert page.locator("#filter-count").inner_text() == "1 of 5 shown"
    assert not page.locator("#open-all").is_visible()


def test_answers_from_right_to_left_begin_at_the_right(browser: sync_api.Browser, html: Path) -> None:
    page = _opened(browser, html, viewport={"width": 320, "height": 800})
    page.locator("#open-all").click()
    direction = "node => getComputedStyle(node).direction"
    photo = page.locator("details.photo[data-exhibit='כד חרס']").first
    assert photo.locator(".exhibit bdi").evaluate(direction) == "rtl"
    assert page.locator(".answer", has_text="This is an exhibit.").first.evaluate(direction) == "ltr"
    for words in (photo.locator("dd"), photo.locator(".answer", has_text="נשבר").first):
        assert words.evaluate(direction) == "rtl"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_name_from_right_to_left_keeps_to_itself_within_a_sentence(browser: sync_api.Browser, html: Path) -> None:
    page = _opened(browser, html)
    names = page.locator(".next bdi").all_text_contents()
    assert names and set(names) == {"כד חרס"}


def test_exhibits_are_in_order_of_number_and_letter_before_and_after_sorting(
    browser: sync_api.Browser, html: Path
) -> None:
    page = _opened(browser, html, locale="de-DE")
    ordered = ["Äpfel", "exhibit 2", "exhibit 10", "Zebra", "כד חרס"]
    names = page.locator("#exhibits-table tbody th")
    labels = [name[:1].upper() + name[1:] for name in ordered]
    assert [n.lower() for n in names.all_inner_texts()] == [n.lower() for n in ordered]
    assert [n.lower() for n in page.locator("#filter-exhibit option").all_text_contents()[1:]] == [
        n.lower() for n in ordered
    ]
    cards = page.locator("details.photo .exhibit").all_text_contents()
    assert [n.lower() for n in dict.fromkeys(cards)] == [n.lower() for n in labels]
    button = page.locator("#exhibits-table th[data-sort=text] button")
    button.click()
    assert [n.lower() for n in names.all_inner_texts()] == [n.lower() for n in ordered]
    button.click()
    assert [n.lower() for n in names.all_inner_texts()] == [n.lower() for n in reversed(ordered)]
