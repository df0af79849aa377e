"""The report in a real browser, opened from file://: quiet, offline, usable by keyboard, readable on a telephone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.report_run import Story, make_run

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install docent[browser]")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    right = {"lora": 0.75, "full": 0.5, "base": 0.0, "retrieval": 1.0, "colour": 0.5, "constant": 0.25, "blind": 0.25}
    story = Story(right=right, leaks=2, failed=True, extra="<script>document.title='broken'</script>")
    return make_run(tmp_path_factory.mktemp("browser") / "demo", story)


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


class Opened:
    """The page with what it said to the console and asked of the network."""

    def __init__(self, browser: sync_api.Browser, html: Path, **options: object) -> None:
        self.page = browser.new_context(**options).new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(html.as_uri())

    def shown(self) -> int:
        return self.page.locator("details.photo:visible").count()


def test_the_page_is_quiet_and_asks_for_nothing_but_itself(browser: sync_api.Browser, html: Path) -> None:
    opened = Opened(browser, html)
    opened.page.locator("#open-all").click()
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [html.as_uri()]
    assert "cabinet" in opened.page.title() and opened.page.title() != "broken"


def test_all_pictures_decode(browser: sync_api.Browser, html: Path) -> None:
    opened = Opened(browser, html)
    sizes = opened.page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth, i.naturalHeight])")
    assert len(sizes) == 8
    assert all(complete and 0 < max(width, height) <= 192 for complete, width, height in sizes)


def test_the_arms_table_sorts_by_number_both_ways_and_by_name(browser: sync_api.Browser, html: Path) -> None:
    page = Opened(browser, html).page
    assert page.locator("#arms-table tbody tr").count() == 7
    heading = page.locator("#arms-table th[data-sort=number]").first
    values = "[...document.querySelectorAll('#arms-table tbody tr')].map(r => Number(r.cells[1].dataset.value))"
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert page.evaluate(values) == sorted(page.evaluate(values), reverse=True)
    assert page.evaluate(values)[0] == 1.0
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert page.evaluate(values) == sorted(page.evaluate(values))
    page.locator("#arms-table th[data-sort=text] button").click()
    names = page.locator("#arms-table tbody .arm").all_inner_texts()
    assert [n.strip() for n in names] == ["base", "blind", "colour", "constant", "full", "lora", "retrieval"]


def test_photos_are_filtered_by_exhibit_and_by_who_was_wrong(browser: sync_api.Browser, html: Path) -> None:
    opened = Opened(browser, html)
    page = opened.page
    assert opened.shown() == 8
    page.locator("#filter-exhibit").select_option(index=1)
    assert opened.shown() == 2
    assert page.locator("#filter-count").inner_text() == "2 of 8 shown"
    page.locator("#filter-exhibit").select_option(index=0)
    page.locator("#filter-wrong").select_option("lora")
    assert opened.shown() == 2
    page.locator("#filter-wrong").select_option("retrieval")
    assert opened.shown() == 0
    assert page.locator("#filter-empty").is_visible()
    page.locator("#filter-wrong").select_option("")
    page.locator("#open-all").click()
    assert page.locator("details.photo[open]").count() == 8
    page.locator("#close-all").click()
    assert page.locator("details.photo[open]").count() == 0


def test_without_scripts_everything_can_still_be_read(browser: sync_api.Browser, html: Path) -> None:
    page = Opened(browser, html, java_script_enabled=False).page
    assert not page.locator("form.filters").is_visible()
    assert page.locator("details.photo").count() == 8
    page.locator("details.photo summary").nth(1).click()
    assert page.locator("details.photo").nth(1).locator(".reply").first.is_visible()


@pytest.mark.parametrize("width", [320, 380, 768, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_never_scrolls_sideways(browser: sync_api.Browser, html: Path, width: int, scheme: str) -> None:
    opened = Opened(browser, html, viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened.page.locator("#open-all").click()
    opened.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_mode_is_dark_and_print_is_white(browser: sync_api.Browser, html: Path) -> None:
    page = Opened(browser, html, color_scheme="dark").page
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(22, 23, 26)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()


def test_the_keyboard_reaches_the_content_first_and_sees_where_it_is(browser: sync_api.Browser, html: Path) -> None:
    page = Opened(browser, html).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
