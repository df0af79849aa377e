"""Pictures of rows from a real web server in another process: what arrives, and what must not."""

import hashlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.loading import Loaded, loaded
from tests.markdown_files import PHOTOS

from docent.config import PipelineConfig
from docent.records import Document
from docent.spec import RunStates
from docent.stage import run_shard
from docent.stages.ingest.fetch import fetch as fetching
from docent.stages.ingest.fetch.errors import FetchError
from docent.stages.ingest.fetch.fetch import Rules, fetch, shown
from docent.stages.ingest.fetch.images import Address, addresses_of
from docent.store import Shard
from docent.text.markdown.figures import with_descriptions

FOLDER = PHOTOS[0].parent
TABLE = Path(__file__).parents[1] / "fixtures" / "tables" / "workshops-en.csv"
SERVER = Path(__file__).parents[1] / "fixtures" / "picture_server.py"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
RULES = Rules(("127.0.0.1",), 5.0, 1_000_000)


class Web:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}/{path}"

    def asked(self) -> list[str]:
        with DIRECT.open(self.url("asked"), timeout=10) as reply:
            found: list[str] = json.load(reply)
        return found

    def rules(self, **differing: Any) -> Rules:
        return Rules(**{"hosts": (self.host,), "timeout_s": 5.0, "max_bytes": 1_000_000, **differing})


def started(*args: str) -> Iterator[Web]:
    process = subprocess.Popen([sys.executable, str(SERVER), *args], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Web(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def other() -> Iterator[Web]:
    yield from started(str(FOLDER), "http://127.0.0.1:1/")


@pytest.fixture(scope="module")
def web(other: Web) -> Iterator[Web]:
    yield from started(str(FOLDER), other.url(PHOTOS[0].name))


@pytest.fixture(autouse=True)
def _no_long_waits_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(fetching, "FIRST_WAIT_S", 0.01)


def stores(folder: Path, cells: list[str], web: Web, **settings: Any) -> Loaded:
    """A table of five rows with a column of addresses."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in [*cells, *[""] * 5]]
    table = "\n".join([f"{lines[0]},Photos", *(f"{a},{b}" for a, b in zip(lines[1:], quoted, strict=False))])
    (folder / "stores.csv").write_text(table, encoding="utf-8")
    rows = {"title_column": "Workshop Name", "image_columns": ["Photos"], "image_hosts": [web.host]}
    return loaded("csv", folder / "stores.csv", rows=rows, **settings)


@pytest.mark.feature("fetched-pictures")
def test_four_photos_and_a_dead_address_become_numbered_notes_in_their_rows(tmp_path: Path, web: Web) -> None:
    good = [web.url(photo.name) for photo in PHOTOS]
    found = stores(
        tmp_path,
        [f"{good[0]}\n{web.url('dead.jpg?token=secret')}\n{good[1]}", json.dumps({"front": good[2]}), f'["{good[3]}"]'],
        web,
    )
    assert len(found.documents) == 5
    assert [(r.reason, "HTTP 404" in r.detail) for r in found.rejects] == [("picture cannot be fetched", True)]
    assert "secret" not in str(found.rejects)
    first, second, third, fourth, _ = found.sections
    assert first.text.split("\n")[-3:] == ["{{IMAGE_1}}", "[Image 2 could not be fetched]", "{{IMAGE_3}}"]
    assert [f.token for f in first.figures] == ["{{IMAGE_1}}", "{{IMAGE_3}}"]
    assert "Zip Code: 04127" in first.text.split("\n")
    assert web.host not in first.text
    images = [f.image for s in found.sections for f in s.figures if f.image is not None]
    assert [image.sha256 for image in images] == [hashlib.sha256(p.read_bytes()).hexdigest() for p in PHOTOS]
    assert [image.name for image in images] == [photo.name for photo in PHOTOS]
    assert [found.files[image.file] for image in images] == [photo.read_bytes() for photo in PHOTOS]
    assert images[0].width_px > 100
    assert with_descriptions(second.text, second.figures).endswith("\n[Figure: Image 1: front]")
    assert (third.figures[0].caption, fourth.figures) == ("Image 1", ())


@pytest.mark.feature("fetched-pictures")
@pytest.mark.parametrize(
    ("path", "reason", "detail"),
    [
        ("away", "host is not in ingest.rows.image_hosts", "127.0.0.1:"),
        ("endless", "picture too large", "more than 1000000 bytes"),
        ("page", "not an image", ""),
        ("ring", "picture cannot be fetched", "redirects"),
        ("cut", "picture cannot be fetched", "cut off after 3 of 5000"),
    ],
)
def test_what_is_no_picture_of_a_named_host_is_marked_and_its_row_survives(
    tmp_path: Path, web: Web, other: Web, path: str, reason: str, detail: str
) -> None:
    found = stores(tmp_path, [web.url(path)], web, max_image_mb=1)
    assert (len(found.documents), found.reasons) == (5, [reason])
    assert detail in found.rejects[0].detail
    assert found.sections[0].text.endswith("\n[Image 1 could not be fetched]")
    assert found.rejects[0].parents == (found.documents[0].id,)
    assert (found.files, other.asked()) == ({}, [])


def test_a_redirect_inside_the_host_is_followed(web: Web) -> None:
    assert fetch(web.url("turn"), web.rules()) == PHOTOS[0].read_bytes()


def test_a_busy_server_is_asked_three_times_and_no_more(web: Web) -> None:
    assert fetch(web.url(f"busy-2-{PHOTOS[0].name}"), web.rules()) == PHOTOS[0].read_bytes()
    with pytest.raises(FetchError, match="HTTP 503"):
        fetch(web.url(f"busy-3-{PHOTOS[1].name}"), web.rules())
    asked = web.asked()
    assert [asked.count(f"/busy-{n}-{PHOTOS[n - 2].name}") for n in (2, 3)] == [3, 3]
    before = len(asked)
    with pytest.raises(FetchError, match="HTTP 404"):
        fetch(web.url("nowhere"), web.rules())
    assert web.asked()[before:] == ["/nowhere"]


def test_a_server_that_sends_a_byte_at_a_time_is_left_when_the_time_is_over(web: Web) -> None:
    with pytest.raises(FetchError, match=r"no reply within 0.2 s"):
        fetch(web.url("drip"), web.rules(timeout_s=0.2))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:///etc/passwd", "address cannot be used"),
        ("ftp://127.0.0.1/x.jpg", "address cannot be used"),
        ("photos/cup.jpg", "address cannot be used"),
        ("http://user:word@127.0.0.1/x.jpg", "address cannot be used"),
        ("http://127.0.0.1:99999/x.jpg", "address cannot be used"),
        ("http://[::1/x.jpg", "address cannot be used"),
        ("http://127.0.0.1/\n", "address cannot be used"),
        ("http://example.org/x.jpg", "host is not in ingest.rows.image_hosts"),
        ("http://127.0.0.1:8080/x.jpg", "host is not in ingest.rows.image_hosts"),
        ("http://127.0.0.1.example.org/x.jpg", "host is not in ingest.rows.image_hosts"),
        ("http://127.0.0.1@example.org/", "address cannot be used"),
    ],
)
def test_nothing_is_asked_of_an_address_that_is_not_allowed(address: str, reason: str) -> None:
    with pytest.raises(FetchError) as caught:
        fetch(address, RULES)
    assert (caught.value.reason, caught.value.may_pass) == (reason, False)


def test_localhost_is_a_name_that_may_be_listed(web: Web) -> None:
    name = f"localhost:{web.host.partition(':')[2]}"
    assert fetch(f"http://{name}/{PHOTOS[0].name}", Rules((name,), 5.0, 1_000_000)) == PHOTOS[0].read_bytes()


def test_addresses_of_a_cell_are_lines_a_list_or_an_object() -> None:
    a, b = "http://example.org/a.jpg", "http://example.org/b.jpg"
    assert addresses_of(f" {a} \r\n\n{b}") == [Address(a), Address(b)]
    assert addresses_of(json.dumps([a, 7, b, ""])) == [Address(a), Address(b)]
    assert addresses_of(json.dumps({"front": a, "back": [b], "none": None})) == [
        Address(a, "front"),
        Address(b, "back"),
    ]
    assert addresses_of("[not json") == [Address("[not json")]
    assert addresses_of("[" * 100_000) == [Address("[" * 100_000)]
    assert addresses_of("") == []


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert shown("https://me:word@example.org/a.jpg?sig=abc") == "https://example.org/a.jpg"
    assert shown("http://example.org/a.jpg") == "http://example.org/a.jpg"


def test_many_rows_keep_their_order_and_few_pictures_are_under_way(tmp_path: Path, web: Web) -> None:
    rows = "".join(f"row {n},{web.url(PHOTOS[n % 4].name) if n % 3 else ''}\n" for n in range(60))
    (tmp_path / "t.csv").write_text(f"name,photo\n{rows}")
    found = loaded("csv", tmp_path / "t.csv", rows={"image_columns": ["photo"], "image_hosts": [web.host]})
    assert [d.name for d in found.documents] == [f"row {n}" for n in range(60)]
    for n, section in enumerate(found.sections):
        assert [f.image.name for f in section.figures if f.image] == ([PHOTOS[n % 4].name] if n % 3 else [])
    assert (len(found.files), found.rejects) == (4, [])


def test_ingest_fetches_through_the_real_stage_and_a_row_of_pictures_alone_needs_a_description(
    tmp_path: Path, run_dir: Path, web: Web
) -> None:
    (tmp_path / "t.csv").write_text(f"photo,name\n{web.url(PHOTOS[0].name)},\n{web.url(PHOTOS[1].name)},A cup\n")
    made = PipelineConfig.model_validate(
        {
            "ingest": {
                "sources": [{"kind": "csv", "path": str(tmp_path / "t.csv")}],
                "rows": {"image_columns": ["photo"], "image_hosts": [web.host]},
                "max_reject_rate": 1,
            }
        }
    )
    assert run_shard(made, "ingest", run_dir, Shard(0, 1)) == 0
    artifact = RunStates(made, run_dir).of("ingest").artifact
    assert artifact is not None
    (cup,) = artifact.rows(Document)
    (figure,) = cup.sections[0].figures
    assert cup.name == "A cup"
    assert figure.image is not None
    assert artifact.file(figure.image.file).read_bytes() == PHOTOS[1].read_bytes()
    (rejects,) = artifact.folder.glob("rejects-*.jsonl")
    assert json.loads(rejects.read_text())["reason"] == "picture page not described"


def test_behind_a_proxy_the_proxy_is_asked_and_the_hosts_hold_too(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://{web.host}")
    address = f"http://images.example.org/{PHOTOS[2].name}?size=2"
    assert fetch(address, web.rules(hosts=("images.example.org",))) == PHOTOS[2].read_bytes()
    asked = web.asked()
    assert asked[-1] == address
    with pytest.raises(FetchError, match="image_hosts"):
        fetch("http://other.example.org/a.jpg", web.rules(hosts=("images.example.org",)))
    assert web.asked() == asked
