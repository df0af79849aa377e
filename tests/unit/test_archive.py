"""Files through a stream: what goes in comes out, and nothing that could lead outside comes out at all."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docent.errors import LauncherError
from docent.launcher.cluster.transfer.archive import RECEIPT, pack, reader
from docent.launcher.cluster.transfer.extraction import confined, unpack
from docent.source_files.digests import digest_of_paths


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder with everything that file names and files can be."""
    folder = tmp_path / "odd"
    (folder / "empty folder").mkdir(parents=True)
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep/er/äöü 漢字 'quote\" $x\nnewline.txt").write_text("text")
    (folder / ("long" * 40)).write_bytes(b"x" * 513)
    (folder / "empty").write_bytes(b"")
    (folder / "-dash").write_bytes(os.urandom(700_000))
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(b"latin")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    os.utime(folder / "run.sh", (0, -5))
    (folder / "latest").symlink_to("deep")
    (folder / "deep/back").symlink_to("../empty")
    (tmp_path / "outside.txt").write_text("from outside")
    (folder / "outwards").symlink_to(tmp_path / "outside.txt")
    return folder


def snapshot(folder: Path) -> dict[str, object]:
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else "folder"
        if path.is_dir()
        else (path.read_bytes(), path.stat().st_mode & 0o111 != 0, int(path.stat().st_mtime))
        for path in sorted(folder.rglob("*"))
    }


def test_what_goes_in_comes_out(odd: Path, tmp_path: Path) -> None:
    receipt = unpack(reader(pack(odd)), tmp_path / "there" / "copy")
    expected, found = snapshot(odd), snapshot(tmp_path / "there" / "copy")
    assert expected.pop("outwards") and found.pop("outwards") != expected
    assert (tmp_path / "there/copy/outwards").read_text() == "from outside"
    assert found == expected
    assert receipt.files == 9
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["copy"]


def test_the_digest_of_a_folder_is_the_same_on_both_sides(odd: Path, tmp_path: Path) -> None:
    unpack(reader(pack(odd)), tmp_path / "there" / "odd")
    assert digest_of_paths([tmp_path / "there" / "odd"]) == digest_of_paths([odd])


def test_a_single_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("new")
    (tmp_path / "b.csv").write_text("old")
    unpack(reader(pack(tmp_path / "a.csv")), tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text() == "new"


def test_a_folder_takes_the_place_of_the_one_before_whole(odd: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "stale").write_text("x")
    unpack(reader(pack(odd)), tmp_path / "copy")
    assert not (tmp_path / "copy" / "stale").exists()


def test_dead_links_and_sockets_are_named_and_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "dead").symlink_to("/nowhere/at/all")
    os.mkfifo(folder / "pipe")
    (folder / "kept").write_text("x")
    skipped: list[str] = []
    unpack(reader(pack(folder, skipped.append)), tmp_path / "copy")
    assert [Path(path).name for path in skipped] == ["dead", "pipe"]
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["kept"]


def test_a_stream_that_breaks_off_anywhere_leaves_what_was_there(odd: Path, tmp_path: Path) -> None:
    whole = b"".join(pack(odd))
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "before").write_text("x")
    for length in (0, 3, 512, 600, 5000, len(whole) // 2, whole.rindex(RECEIPT.encode()), whole.rindex(b"sha256")):
        with pytest.raises(LauncherError):
            unpack(reader([whole[:length]]), tmp_path / "copy")
        assert [path.name for path in (tmp_path / "copy").iterdir()] == ["before"]
        assert not list(tmp_path.glob(".copy*"))


def test_a_changed_byte_is_noticed(odd: Path, tmp_path: Path) -> None:
    whole = bytearray(b"".join(pack(odd)))
    whole[len(whole) // 3] ^= 1
    with pytest.raises(LauncherError):
        unpack(reader([bytes(whole)]), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_content_that_differs_from_the_receipt_is_refused(odd: Path, tmp_path: Path) -> None:
    whole = b"".join(pack(odd))
    with pytest.raises(LauncherError, match="differs from the sent data"):
        unpack(reader([whole.replace(b"from outside", b"from inside!")]), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_the_stream_is_a_plain_tar(odd: Path, tmp_path: Path) -> None:
    (tmp_path / "odd.tar").write_bytes(b"".join(pack(odd)))
    with tarfile.open(tmp_path / "odd.tar") as tar:
        names = tar.getnames()
    assert (names[0], names[-1]) == ("content", RECEIPT) and "content/run.sh" in names


def hostile(*members: tuple[str, bytes, str]) -> Iterator[bytes]:
    """A stream of members (name, type, link target), however bad they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        top = tarfile.TarInfo("content")
        top.type = tarfile.DIRTYPE
        tar.addfile(top)
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            member.size = 4 if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(b"evil") if member.size else None)
    yield buffer.getvalue()


@pytest.mark.parametrize(
    "members",
    [
        [("../evil", tarfile.REGTYPE, "")],
        [("content/../../evil", tarfile.REGTYPE, "")],
        [("/tmp/evil", tarfile.REGTYPE, "")],
        [("evil", tarfile.REGTYPE, "")],
        [("content/link", tarfile.SYMTYPE, "../../..")],
        [("content/link", tarfile.SYMTYPE, "/etc")],
        [("content/a", tarfile.SYMTYPE, "."), ("content/link", tarfile.SYMTYPE, "a/../b/../../evil")],
        [("content/a", tarfile.SYMTYPE, "."), ("content/link", tarfile.SYMTYPE, "a/../x")],
        [("content/link", tarfile.SYMTYPE, "."), ("content/link/evil", tarfile.REGTYPE, "")],
        [("content/link", tarfile.SYMTYPE, "x"), ("content/link", tarfile.REGTYPE, "")],
        [("content/hard", tarfile.LNKTYPE, "/etc/passwd")],
        [("content/device", tarfile.CHRTYPE, "")],
        [("content/pipe", tarfile.FIFOTYPE, "")],
        [("content", tarfile.SYMTYPE, "/etc")],
        [("content/twice", tarfile.REGTYPE, ""), ("content/twice", tarfile.REGTYPE, "")],
        [("content/no/parent", tarfile.REGTYPE, "")],
    ],
)
def test_a_hostile_archive_is_refused_whole(members: list[tuple[str, bytes, str]], tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    with pytest.raises(LauncherError, match="refused"):
        unpack(reader(hostile(*members)), inside / "copy")
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []
    assert list(inside.iterdir()) == []


@pytest.mark.parametrize(
    "headers",
    [{"GNU.sparse.map": "0,0", "GNU.sparse.size": str(10**8)}, {"mtime": "inf"}, {"mtime": "nan"}, {"mtime": "1e30"}],
)
def test_a_header_that_lies_about_size_or_time_is_refused(headers: dict[str, str], tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("content")
        member.pax_headers = headers
        tar.addfile(member)
    with pytest.raises(LauncherError, match="refused"):
        unpack(reader([buffer.getvalue()]), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_of_gigabytes_is_refused_before_it_is_read(kind: bytes, tmp_path: Path) -> None:
    header = tarfile.TarInfo("content")
    header.type, header.size = kind, 4 << 30
    read_bytes = 0

    def endless() -> Iterator[bytes]:
        nonlocal read_bytes
        yield header.tobuf(tarfile.USTAR_FORMAT)
        while read_bytes < 64 << 20:
            read_bytes += 1 << 20
            yield bytes(1 << 20)

    with pytest.raises(LauncherError, match="the headers of a member are larger"):
        unpack(reader(endless()), tmp_path / "copy")
    assert read_bytes <= 1 << 20


def test_the_headers_of_earlier_members_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    for number in range(50):
        (tmp_path / "folder" / f"{number}.txt").write_text("x")
    kept: list[int] = []
    content_of = tarfile.TarFile.extractfile

    def counting(tar: tarfile.TarFile, member: tarfile.TarInfo) -> object:
        kept.append(len(tar.members))
        return content_of(tar, member)

    monkeypatch.setattr(tarfile.TarFile, "extractfile", counting)
    unpack(reader(pack(tmp_path / "folder")), tmp_path / "copy")
    assert len(kept) == 51 and max(kept) <= 1


def test_a_link_under_another_spelling_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = Path.symlink_to

    def as_if_case_were_ignored(path: Path, target: str) -> None:
        link(path, target)
        link(path.with_name(path.name.swapcase()), target)

    monkeypatch.setattr(Path, "symlink_to", as_if_case_were_ignored)
    for members in (
        [("content/A", tarfile.SYMTYPE, "."), ("content/a/evil", tarfile.REGTYPE, "")],
        [("content/A", tarfile.SYMTYPE, "."), ("content/a/up", tarfile.SYMTYPE, "..")],
        [("content/A", tarfile.SYMTYPE, "."), ("content/a", tarfile.REGTYPE, "")],
    ):
        with pytest.raises(LauncherError, match="refused"):
            unpack(reader(hostile(*members)), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", ["grows", "shrinks", "rewritten"])
def test_a_file_that_changes_while_it_is_sent_is_an_error(change: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(bytes(600_000))
    os.utime(path, (0, 0))
    pieces = pack(path)
    next(pieces), next(pieces)  # the header and the first piece
    with path.open("r+b") as file:
        file.truncate(300_000 if change == "shrinks" else 600_001 if change == "grows" else 600_000)
        file.write(b"new")
    with pytest.raises(LauncherError, match="changed while it was read") as error:
        list(pieces)
    assert error.value.exit_code == 105 and error.value.where == str(path)


def test_a_file_of_a_run_in_progress_is_sent_up_to_its_initial_size(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"a" * 600_000)
    pieces = pack(path, may_grow=True)
    first = [next(pieces), next(pieces)]
    with path.open("ab") as file:
        file.write(b"more")
    unpack(reader([*first, *pieces]), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"a" * 600_000


def test_the_old_content_is_put_back_after_a_kill_between_the_two_renames(odd: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "before").write_text("x")
    script = """
import os, sys
from pathlib import Path
from docent.launcher.cluster.transfer.archive import pack, reader
from docent.launcher.cluster.transfer.extraction import unpack
os.replace = lambda *_: os.kill(os.getpid(), 9)
unpack(reader(pack(Path(sys.argv[1]))), Path(sys.argv[2]))
"""
    killed = subprocess.run([sys.executable, "-c", script, str(odd), str(tmp_path / "copy")], check=False)
    assert killed.returncode == -9 and not (tmp_path / "copy").exists()
    with pytest.raises(LauncherError):
        unpack(reader([b""]), tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["before"]
    assert not list(tmp_path.glob(".copy*"))


def test_the_old_content_of_another_folder_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    aside = tmp_path / ".copy.v2.host.1.abcd.tmp"
    (aside / "old-copy.v2").mkdir(parents=True)
    with pytest.raises(LauncherError):
        unpack(reader([b""]), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    with pytest.raises(LauncherError):
        unpack(reader([b""]), tmp_path / "copy.v2")
    assert (tmp_path / "copy.v2").is_dir() and not aside.exists()


def test_a_link_means_the_same_wherever_the_folder_that_holds_it_was_linked(tmp_path: Path) -> None:
    elsewhere, source = tmp_path / "elsewhere", tmp_path / "source"
    (elsewhere / "photos").mkdir(parents=True)
    source.mkdir()
    (elsewhere / "caption.txt").write_text("the one that was meant")
    (source / "caption.txt").write_text("another of that name")
    (elsewhere / "photos" / "caption.txt").symlink_to("../caption.txt")
    (elsewhere / "photos" / "same.txt").symlink_to("caption.txt")
    (source / "photos").symlink_to(elsewhere / "photos")
    unpack(reader(pack(source)), tmp_path / "there" / "source")
    photos = tmp_path / "there" / "source" / "photos"
    assert (photos / "caption.txt").read_text() == "the one that was meant"
    assert os.readlink(photos / "same.txt") == "caption.txt"
    assert digest_of_paths([tmp_path / "there" / "source"]) == digest_of_paths([source])


def test_links_outwards_are_left_out_when_they_are_not_to_be_followed(odd: Path, tmp_path: Path) -> None:
    (odd / "around").symlink_to("deep/../run.sh")  # inside after all
    (odd / "all").symlink_to(tmp_path)
    skipped: list[str] = []
    unpack(reader(pack(odd, skipped.append, outwards=False)), tmp_path / "there" / "copy")
    assert [Path(path).name for path in skipped] == ["all", "outwards"]
    assert (tmp_path / "there/copy/around").read_text() == "#!/bin/sh\n"
    assert not any(
        "from outside" in path.read_text("latin-1") for path in tmp_path.rglob("there/**/*") if path.is_file()
    )


def test_what_was_there_comes_back_when_the_change_of_place_is_interrupted(
    odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "before").write_text("x")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unpack(reader(pack(odd)), tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["before"]


def test_a_file_and_a_folder_take_each_others_place(odd: Path, tmp_path: Path) -> None:
    unpack(reader(pack(tmp_path / "outside.txt")), tmp_path / "copy")
    unpack(reader(pack(odd)), tmp_path / "copy")
    assert (tmp_path / "copy" / "run.sh").is_file()
    unpack(reader(pack(tmp_path / "outside.txt")), tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "from outside"


def test_what_is_no_stream_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match="refused"):
        unpack(reader([b"HTTP/1.1 502 Bad Gateway\r\n"]), tmp_path / "copy")


@pytest.mark.parametrize("path", ["..", ".", "", "/", "/etc", "a/../../b", "link/x"])
def test_paths_stay_on_the_volume(path: str, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "link").symlink_to("/etc")
    with pytest.raises(LauncherError, match="below the volume"):
        confined(path, tmp_path / "volume")
    assert confined("samples/new", tmp_path / "volume") == (tmp_path / "volume/samples/new").resolve()
