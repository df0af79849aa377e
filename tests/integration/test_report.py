"""The report stage, run through the real shell and store on a made-up museum."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from tests.report_run import Story, make_run

from docent.stages.report.inputs import samples
from docent.stages.report.inputs.samples import mark_numbers
from docent.stages.report.runcard import shortened
from docent.vision.thumbnails import thumbnail

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
ARMS = ("lora", "full", "base", "retrieval", "colour", "constant", "blind")


class Outline(HTMLParser):
    """Counts elements and collects their attributes and the text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def tags(self, name: str, kind: str = "") -> list[dict[str, str | None]]:
        return [a for tag, a in self.found if tag == name and (not kind or kind in (a.get("class") or "").split())]

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.found if "id" in attributes]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_run(tmp_path_factory.mktemp("whole") / "demo").read_text(encoding="utf-8")


def test_every_part_is_there_and_every_link_leads_somewhere(page: str) -> None:
    outline = Outline(page)
    for part in ("arms", "exhibits", "photos", "training", "data", "cost", "card", "glossary"):
        assert part in outline.ids
    assert "gaps" not in outline.ids
    links = [str(a["href"]).removeprefix("#") for a in outline.tags("a")]
    assert links and set(links) <= set(outline.ids)
    assert [i for i, n in Counter(outline.ids).items() if n > 1] == []


def test_the_verdict_comes_before_everything_else(page: str) -> None:
    assert page.index('class="verdict"') < page.index("<nav") < page.index('id="arms"')
    assert "lora" in page[page.index('class="verdict"') :].splitlines()[0]


def test_rows_are_as_many_as_arms_photos_and_exhibits(page: str) -> None:
    outline = Outline(page)
    arms = page[page.index('id="arms-table"') :]
    assert arms[: arms.index("</tbody>")].count('<th scope="row"') == len(ARMS)
    assert len(outline.tags("details", "photo")) == 8
    assert len(outline.tags("li", "reply")) == 8 * len(ARMS)
    assert len(outline.tags("img")) == 8
    exhibits = page[page.index('id="exhibits-table"') :]
    assert exhibits[: exhibits.index("</table>")].count('<th scope="row"') == 4


def test_the_page_holds_no_address_and_its_policy_allows_only_itself(page: str) -> None:
    outline = Outline(page)
    for tag, attributes in outline.found:
        assert not attributes.keys() & {"style", "onclick", "onload", "onerror"}, tag
        for name in ("src", "href", "srcset", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    assert "url(" not in page and "@import" not in page
    policy = str(next(a["content"] for a in outline.tags("meta") if a.get("http-equiv") == "Content-Security-Policy"))
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    for tag in ("style", "script"):
        inline = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(inline) == 1
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_pictures_are_small_and_inside_the_page(page: str) -> None:
    assert all(str(a["src"]).startswith("data:image/webp;base64,") and a["alt"] for a in Outline(page).tags("img"))
    assert len(page) < 400_000


def test_markup_from_data_is_inert_wherever_it_appears(tmp_path: Path) -> None:
    page = make_run(tmp_path / "demo", Story(extra=EVIL, leaks=1, failed=True)).read_text(encoding="utf-8")
    outline = Outline(page)
    assert len(outline.tags("script")) == 1
    assert not [a for a in outline.tags("img") if not str(a["src"]).startswith("data:")]
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 20
    assert "<script>alert" not in page


def test_leaks_gaps_and_a_stronger_look_up_are_said(tmp_path: Path) -> None:
    right = {"lora": 0.5, "full": 0.5, "base": 0.0, "retrieval": 1.0, "colour": 0.5, "constant": 0.25, "blind": 0.25}
    page = make_run(tmp_path / "demo", Story(right=right, leaks=3, failed=True)).read_text(encoding="utf-8")
    verdict = re.search(r'class="verdict".*?</p>', page, re.DOTALL)
    assert verdict
    assert verdict[0].index("retrieval") < verdict[0].index("lora")
    assert "beat" in verdict[0]
    assert "3 of 8 test photos descend from, or are the same file as, training photos, so these numbers" in verdict[0]
    assert "found only by the hashes of assess-images" in page
    assert 'id="gaps"' in page and "assess-images" in page and "cannot be decoded" in page
    assert "/secret/place" not in page
    assert "leaked-2.jpg" in page


def test_the_funnel_counts_and_says_why(page: str) -> None:
    data = page[page.index('id="data"') : page.index('id="cost"')]
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", data, flags=re.DOTALL)
    for step in (r"Listed\s+28", r"Found\s+20", r"Kept\s+19", r"Augmented\s+4", r"Generated\s+12", r"Curated\s+8"):
        assert re.search(step, text), step
    for reason in (
        "4 × photo is not in the folder",
        "1 × blurred",
        "4 × repeats another pair",
        "1 × the reply is not JSON",
    ):
        assert reason in text
    assert re.search(r"test\s+8\s+8", text)


def test_costs_hashes_and_the_command_are_on_the_page(page: str, tmp_path: Path) -> None:
    assert "1\u202f540" in page
    assert "runs" not in page.split("docent run ")[0][-5:]
    assert re.search(r"/demo/pipeline.resolved.yaml\S* --data \S+ --run again<", page)
    assert str(tmp_path.parent) not in page
    assert "offline-extractive" in page and "float32" in page


@pytest.mark.parametrize(
    ("absent", "parts"),
    [
        (("score",), ("photos", "training", "data")),
        (("finetune", "answer", "score"), ("photos", "data")),
        (("assess_images", "augment_images", "curate"), ("arms", "photos", "data")),
        (("generate_qa", "curate", "build_dataset", "finetune", "answer", "score"), ("data", "cost")),
    ],
)
def test_a_skipped_stage_leaves_its_part_out(tmp_path: Path, absent: tuple[str, ...], parts: tuple[str, ...]) -> None:
    story = Story(sections=dict.fromkeys(absent))
    ids = Outline(make_run(tmp_path / "demo", story).read_text(encoding="utf-8")).ids
    assert set(parts) <= set(ids)
    assert ("arms" in ids) == ("score" not in absent)
    assert ("training" in ids) == ("finetune" not in absent)


def test_repeated_answers_are_counted_out_of_the_test_even_without_scores(tmp_path: Path) -> None:
    for absent in ({}, {"score": None}):
        story = Story(repeated=5, sections=absent)
        page = make_run(tmp_path / f"{len(absent)}" / "demo", story).read_text(encoding="utf-8")
        assert "5 of 8 test answers consist of sentences that also stand in training answers" in page
        assert "5 of 0" not in page


def test_without_validation_the_last_step_is_said_to_be_kept(page: str, tmp_path: Path) -> None:
    assert (
        "kept: latest step whose validation loss is within one standard error" in page
        and "kept: the last step" not in page
    )
    without = make_run(tmp_path / "demo", Story(validated=False)).read_text(encoding="utf-8")
    assert "kept: the last step" in without and "kept: step 60" in without
    assert "one standard error" not in without and "best: step" not in without


def test_one_exhibit_gives_no_interval_that_is_none(tmp_path: Path) -> None:
    story = Story(exhibits=["cube"], scored_exhibits=1)
    page = make_run(tmp_path / "demo", story).read_text(encoding="utf-8")
    assert "With 1 exhibit this test cannot show whether a model knows one exhibit from another" in page
    assert "1 exhibits" not in page


def test_a_report_of_nothing_is_still_a_page(tmp_path: Path) -> None:
    others = ("ingest", "assess_images", "augment_images", "assemble", "generate_qa", "curate", "build_dataset",
              "finetune", "answer", "score")  # fmt: skip
    page = make_run(tmp_path / "demo", Story(sections=dict.fromkeys(others))).read_text(encoding="utf-8")
    assert "No answer was scored" in page and 'id="card"' in page


def test_samples_are_limited_and_spread_over_the_exhibits(tmp_path: Path) -> None:
    story = Story(sections={"report": {"max_samples": 4}})
    outline = Outline(make_run(tmp_path / "demo", story).read_text(encoding="utf-8"))
    shown = [a["data-exhibit"] for a in outline.tags("details", "photo")]
    assert shown == ["cube", "gyroid", "helicoid", "torus"]
    assert "4 of 8 test questions" in "".join(outline.text)


def test_the_same_run_gives_the_same_page_but_for_seconds(tmp_path: Path) -> None:
    pages = [make_run(tmp_path / name / "demo").read_text(encoding="utf-8") for name in ("a", "b")]
    cut = [re.sub(r'<section id="cost".*?</section>', "", page, flags=re.DOTALL) for page in pages]
    cut = [
        re.sub(r"…/[ab]\b|holds [ab]\b", "…", page.replace("/a/", "/").replace("/b/", "/"))
        .replace("a/demo", "demo")
        .replace("b/demo", "demo")
        for page in cut
    ]
    without_hashes = [re.sub(r"<code>[0-9a-f]{10}</code>", "", page) for page in cut]
    assert without_hashes[0] == without_hashes[1]


def test_numbers_without_support_are_marked_and_others_are_not() -> None:
    pieces = mark_numbers("It has 12 edges, 8 faces and 1,901 friends.", "It has 12 edges and eight faces.")
    assert [p.text for p in pieces if p.unsupported] == ["1,901"]
    assert "".join(p.text for p in pieces) == "It has 12 edges, 8 faces and 1,901 friends."
    assert not any(p.unsupported for p in mark_numbers("99", None))


def test_thumbnails_are_bounded_upright_and_never_an_error(tmp_path: Path) -> None:
    tall = tmp_path / "tall.png"
    Image.new("RGBA", (300, 900), (255, 0, 0, 128)).save(tall)
    uri = thumbnail(tall)
    assert uri and uri.startswith("data:image/webp;base64,")
    small = tmp_path / "small.webp"
    small.write_bytes(base64.b64decode(uri.split(",")[1]))
    with Image.open(small) as picture:
        assert picture.size == (64, 192) and picture.mode == "RGB"
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    assert thumbnail(torn) is None and thumbnail(tmp_path / "absent.jpg") is None


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("/home/someone/museum/raw.csv", "…/raw.csv"),
        ("samples/museum/raw.csv", "samples/museum/raw.csv"),
        ("C:\\Users\\someone\\raw.csv", "…/raw.csv"),
        ("https://user:secret@host.example/v1?key=secret", "https://host.example/v1"),
        ("HuggingFaceM4/idefics2-8b", "HuggingFaceM4/idefics2-8b"),
    ],
)
def test_nothing_private_to_a_machine_reaches_the_page(text: str, public: str) -> None:
    assert shortened(text) == public


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(a: str, b: str) -> float:
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_colours_of_every_scheme_meet_wcag_aa(page: str, scheme: int) -> None:
    colours: dict[str, str] = {}
    for block in re.findall(r":root \{(.*?)\}", page, re.DOTALL)[: 1 if scheme == 0 else scheme + 1][-1:]:
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    text = ("ink", "muted", "tuned", "base", "look-up", "floor", "right", "wrong")
    pairs = [(front, back) for front in text for back in ("paper", "surface")]
    pairs += [("ink", back) for back in ("care", "number", "share-1", "share-2", "share-3", "share-4")]
    low = {pair: _contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: round(value, 2) for pair, value in low.items() if value < 4.5} == {}


def test_samples_stop_before_the_page_grows_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MAX_BYTES", 30_000)
    outline = Outline(make_run(tmp_path / "demo").read_text(encoding="utf-8"))
    shown = len(outline.tags("details", "photo"))
    assert 1 <= shown < 8
    assert f"{shown} of 8 test questions" in "".join(outline.text)
