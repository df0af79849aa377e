"""The page of `docent review` in a real browser, from file://: decisions by mouse and keyboard, and their download."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.review_run import FORMULA, HOSTILE, make_inputs

from docent.stages.curate.review.review import write
from docent.stages.curate.review.table import COLUMNS

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install docent[browser]")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    write(make_inputs(folder / "run"), folder / "review", "demo", 100)
    return folder / "review" / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


class Opened:
    """The page in a browser of its own, with what it said to the console and asked of the network."""

    def __init__(self, browser: sync_api.Browser, html: Path, **options: object) -> None:
        self.page = browser.new_context(**options).new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(html.as_uri())

    def pair(self, number: int) -> sync_api.Locator:
        return self.page.locator(".pair").nth(number)

    def downloaded(self, tmp_path: Path) -> list[dict[str, str]]:
        with self.page.expect_download() as waited:
            self.page.locator("#download").click()
        assert waited.value.suggested_filename == "edits.csv"
        waited.value.save_as(tmp_path / "edits.csv")
        text = (tmp_path / "edits.csv").read_bytes().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))


def test_hostile_text_is_shown_and_not_run_and_nothing_is_asked_for(browser: sync_api.Browser, html: Path) -> None:
    opened = Opened(browser, html)
    assert opened.page.title() == "Review of demo"
    assert opened.pair(1).locator(".question").inner_text() == HOSTILE
    opened.pair(1).locator("[data-do=edit]").click()
    opened.pair(1).locator("[data-do=save]").click()
    assert opened.page.title() == "Review of demo"
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [html.as_uri()]


def test_edited_approved_and_rejected_pairs_are_in_the_download(
    browser: sync_api.Browser, html: Path, tmp_path: Path
) -> None:
    opened = Opened(browser, html)
    page = opened.page
    opened.pair(0).locator("[data-do=approve]").click()
    opened.pair(1).locator("[data-do=reject]").click()
    opened.pair(2).locator("[data-do=edit]").click()
    opened.pair(2).locator(".edit-answer").fill('-7 degrees,\n"so to speak"')
    opened.pair(2).locator("[data-do=save]").click()
    opened.pair(2).locator(".edit-note").fill("measured again")
    page.locator("h1").click()
    rows = opened.downloaded(tmp_path)
    assert tuple(rows[0]) == COLUMNS
    assert [row["decision"] for row in rows] == ["approve", "reject", "edit", "approve", "edit"]  # two from before
    assert rows[2]["question"] == f"'{FORMULA}"
    assert rows[2]["edited_question"] == f"'{FORMULA}"
    assert rows[2]["edited_answer"] == '\'-7 degrees,\n"so to speak"'
    assert rows[2]["answer"] == "'-5 degrees"
    assert rows[2]["note"] == "measured again"
    assert rows[0]["source"] == "The pump turns at 1,450 revolutions."
    assert opened.pair(2).locator(".answer").inner_text().startswith("-7 degrees")


def test_the_download_says_of_a_pair_what_the_table_says(browser: sync_api.Browser, html: Path, tmp_path: Path) -> None:
    opened = Opened(browser, html)
    for number in range(6):
        opened.pair(number).locator("[data-do=approve]").click()
    with (html.parent / "pairs.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    for said, row in zip(opened.downloaded(tmp_path), table, strict=True):
        changed = ("decision", "edited_question", "edited_answer")
        same = [column for column in COLUMNS if column not in (*changed, "source")]
        assert [said[column] for column in same] == [row[column] for column in same]
        assert said["source"].split() == row["source"].split()


def test_the_keyboard_alone_decides_and_decisions_outlive_a_reload(browser: sync_api.Browser, html: Path) -> None:
    opened = Opened(browser, html)
    page = opened.page
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.keyboard.press("r")
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.type("A better question?")
    page.keyboard.press("Control+Enter")
    assert opened.pair(2).locator(".question").inner_text() == "A better question?"
    page.reload()
    decided = "[...document.querySelectorAll('.pair')].map(p => p.dataset.decided)"
    assert page.evaluate(decided) == ["approve", "reject", "edit", "approve", "edit", ""]
    assert opened.pair(2).locator(".question").inner_text() == "A better question?"
    page.keyboard.press("j")
    page.keyboard.press("u")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("e")
    page.keyboard.press("Escape")
    assert page.evaluate(decided)[0] == ""
    assert page.locator("#count").inner_text() == "6 shown, 4 of 6 decided"


def test_filters_by_verdict_type_and_what_is_decided(browser: sync_api.Browser, html: Path) -> None:
    page = Opened(browser, html).page
    shown = page.locator(".pair:visible")
    page.locator("#filter-verdict").select_option("reject")
    assert shown.count() == 1
    page.locator("#filter-verdict").select_option("")
    page.locator("#filter-type").select_option("fact")
    assert shown.count() == 3
    page.locator("#filter-decided").select_option("yes")
    assert shown.count() == 1
    page.locator("#filter-verdict").select_option("warn")
    assert shown.count() == 0 and page.locator("#empty").is_visible()


def test_used_lines_and_pictures_are_beside_their_pair(browser: sync_api.Browser, html: Path) -> None:
    opened = Opened(browser, html)
    assert opened.pair(0).locator(".used .text").all_inner_texts() == ["The pump turns at 1,450 revolutions."]
    assert opened.pair(0).locator(".used .number").inner_text() == "11"
    assert opened.pair(4).locator("h3").all_inner_texts() == ["Starting", "Care"]
    sizes = opened.page.evaluate("[...document.images].map(i => [i.naturalWidth, i.naturalHeight])")
    assert sizes == [[192, 144]]


@pytest.mark.parametrize("width", [320, 1200])
def test_the_page_never_scrolls_sideways_and_reads_without_scripts(
    browser: sync_api.Browser, html: Path, width: int
) -> None:
    opened = Opened(browser, html, viewport={"width": width, "height": 800})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    plain = Opened(browser, html, java_script_enabled=False)
    assert plain.pair(5).locator(".answer").inner_text() == "매일."
