"""`docent run` and its verbs on real stages: a drawn museum, real processes, everything up to the data set."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from tests.museum import DATA_STAGES, as_csv, as_folder

from docent.config import PipelineConfig


def docent(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Call the command as a user would, in its own process."""
    nowhere = "http://127.0.0.1:9"  # a stage that asks another host finds nobody
    offline = {"HF_HUB_OFFLINE": "1", "HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "NO_PROXY": "127.0.0.1"}
    environment = {**os.environ, **offline, **environ}
    command = [sys.executable, "-m", "docent", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a museum, a pipeline file and a complete run of it."""
    folder = tmp_path_factory.mktemp("museum")
    (folder / "pipeline.yaml").write_text(DATA_STAGES % as_csv(folder / "source").relative_to(folder))
    done = docent("run", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """The finished run, to be damaged. Times are kept, as a backup would."""
    shutil.copytree(finished, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Time and size of every file of the runs."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in (folder / "runs").rglob("*")
        if path.is_file()
    }


def digests(folder: Path) -> dict[str, str]:
    return {p.parent.name: json.loads(p.read_text())["digest"] for p in (folder / "runs/test").glob("*/_SUCCESS.json")}


def plan(folder: Path, *sets: str) -> dict[str, str]:
    done = docent("plan", "-o", "json", *(f"--set={s}" for s in sets), cwd=folder)
    lines: list[dict[str, Any]] = json.loads(done.stdout)
    return {line["unit"]: line["action"] for line in lines}


def test_a_run_ends_with_the_path_of_its_result_and_a_second_one_writes_nothing(finished: Path) -> None:
    before = snapshot(finished)
    again = docent("run", cwd=finished)
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert Path(finished / again.stdout.strip().splitlines()[-1]).is_dir()
    assert snapshot(finished) == before


NO_RERUN = ("name", "push_to")
"""The run's name is another run; a repository asks for a push of what is complete (test_push.py)."""


def execution_fields() -> dict[str, Any]:
    """Another value for every execution field of the sections in use."""
    found: dict[str, Any] = {}
    for section_name, section_field in PipelineConfig.model_fields.items():
        model = next((t for t in (section_field.annotation, *get_args(section_field.annotation)) if is_model(t)), None)
        if model is None or (section_name not in DATA_STAGES and section_name != "llm"):
            continue
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and extra["effect"] == "execution" and name not in NO_RERUN:
                value = field.get_default(call_default_factory=True)
                others = [choice for choice in get_args(field.annotation) if isinstance(value, str) and choice != value]
                found[f"{section_name}.{name}"] = others[0] if others else another(value)
    return found


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "X"
    if isinstance(value, tuple):
        return [*value, "X"]
    if isinstance(value, int):
        return value + 1 if value < 2 else value - 1  # some are as large as they may be
    return 1 if value is None else 0.9 if value != 0.9 else 0.8


def test_no_execution_field_reruns_anything(finished: Path) -> None:
    overrides = [f"{name}={value}" for name, value in execution_fields().items()]
    assert len(overrides) > 20
    assert set(plan(finished, *overrides).values()) == {"done"}
    before = snapshot(finished)
    sets = [f"--set={override}" for override in overrides]
    assert "nothing to do" in docent("run", *sets, cwd=finished).stdout
    changed = {name for name, seen in snapshot(finished).items() if before.get(name) != seen}
    assert changed == {"runs/test/pipeline.resolved.yaml"}
    docent("run", cwd=finished)


def test_an_output_field_reruns_its_stage_and_shows_what_may_follow(finished: Path) -> None:
    actions = plan(finished, "curate.min_answer_words=5")
    assert [name for name, action in actions.items() if action != "done"] == ["curate", "build-dataset"]
    assert actions["curate"] == "run" and actions["build-dataset"] == "after"


def test_a_flipped_byte_reruns_that_unit_and_no_dependent(copy: Path) -> None:
    before = digests(copy)
    part = next((copy / "runs/test/generate-qa").glob("*/part-00000-*.jsonl"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(bytes(data))
    assert plan(copy)["generate-qa"] == "run"
    done = docent("run", cwd=copy)
    assert done.returncode == 0, done.stdout
    started = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("started")]
    assert started == ["generate-qa"]
    assert digests(copy) == before


def test_a_change_behind_an_old_time_stamp_is_found_and_healed_without_verify(copy: Path) -> None:
    before = digests(copy)
    part = next((copy / "runs/test/curate").glob("*/part-00000-*.jsonl"))
    part.write_bytes(part.read_bytes().replace(b"a", b"b", 1))
    os.utime(part, (1, 1))
    done = docent("run", cwd=copy)
    assert done.returncode == 0, done.stdout
    assert "curate             started" in done.stdout
    assert digests(copy) == before
    assert "nothing to do" in docent("run", "--verify", cwd=copy).stdout


def test_an_override_beats_the_environment_also_inside_the_workers(finished: Path, tmp_path: Path) -> None:
    done = docent("run", "--data", str(tmp_path), "--to", "assemble", "--set=seed=2", cwd=finished, DOCENT_SEED="1")
    assert done.returncode == 0, done.stdout


def test_a_file_named_like_a_library_where_somebody_stands_is_not_run(finished: Path, tmp_path: Path) -> None:
    (finished / "yaml.py").write_text("raise SystemExit('shadowed')")
    command = [Path(sys.executable).parent / "docent", "run", "--data", tmp_path, "--to", "ingest"]
    done = subprocess.run(command, cwd=finished, capture_output=True, text=True)
    (finished / "yaml.py").unlink()
    assert done.returncode == 0, done.stdout + done.stderr


def test_status_and_trace_work_when_the_sources_have_moved_away(copy: Path) -> None:
    (copy / "source").rename(copy / "elsewhere")
    lines = json.loads(docent("status", "-o", "json", cwd=copy).stdout)
    assert {line["phase"] for line in lines} == {"done"}


def test_one_or_four_shards_give_the_same_digests(finished: Path, tmp_path: Path) -> None:
    sets = [f"--set={s}.shards={n}" for s, n in [("ingest", 3), ("assess_images", 1), ("augment_images", 4)]]
    done = docent("run", "--data", str(tmp_path), *sets, "--set=generate_qa.shards=4", cwd=finished)
    assert done.returncode == 0, done.stdout
    other = {p.parent.name: json.loads(p.read_text())["digest"] for p in tmp_path.glob("test/*/_SUCCESS.json")}
    assert other == digests(finished)


def test_status_tells_rows_and_rejects(finished: Path) -> None:
    done = docent("status", "-o", "json", cwd=finished)
    lines = {line["unit"]: line for line in json.loads(done.stdout)}
    assert lines["ingest"]["phase"] == "done" and lines["ingest"]["rows"] == 3
    assert lines["generate-qa"]["rows"] == 45


def test_trace_walks_from_an_example_to_the_line_of_the_source(finished: Path) -> None:
    part = next((finished / "runs/test/build-dataset").glob("*/part-*.jsonl"))
    example = json.loads(part.read_text().splitlines()[-1])
    done = docent("trace", example["id"], cwd=finished)
    assert done.returncode == 0, done.stderr
    for unit in ("build-dataset", "curate", "generate-qa", "assemble", "ingest"):
        assert unit in done.stdout
    source = Path("source/raw_data.csv")
    line = next(line for line in done.stdout.splitlines() if str(source) in line)
    first = int(line.strip().split(" ")[0].rsplit(":", 1)[1].split("-")[0])
    there = (finished / source).read_text("utf-8-sig").splitlines()[first - 1]
    assert example["item_name"].replace("-", " ") in there.lower()


def test_trace_of_an_unknown_id_ends_with_102(finished: Path) -> None:
    assert docent("trace", "0" * 16, cwd=finished).returncode == 102


def test_logs_show_the_end_of_what_a_stage_said(finished: Path) -> None:
    done = docent("logs", "build-dataset", cwd=finished)
    assert "is complete" in done.stdout
    assert docent("logs", "nowhere", cwd=finished).returncode == 102


def test_gc_deletes_old_configurations_only_when_told(copy: Path) -> None:
    docent("run", "--set=curate.min_answer_words=5", cwd=copy)
    folders = lambda: len([p for p in (copy / "runs/test/curate").iterdir() if p.is_dir() and not p.is_symlink()])  # noqa: E731
    assert folders() == 2
    assert docent("gc", cwd=copy).returncode == 2
    assert folders() == 2
    assert docent("gc", "--yes", cwd=copy).returncode == 0
    assert folders() == 1
    assert "nothing to do" in docent("run", "--set=curate.min_answer_words=5", cwd=copy).stdout


def test_two_launchers_cannot_work_on_one_run(copy: Path) -> None:
    with (copy / "runs/test/.lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = docent("run", cwd=copy)
    assert done.returncode == 105
    assert "another docent process is working on this run" in done.stderr


def test_doctor_names_what_is_missing_and_ends_with_105(finished: Path) -> None:
    done = docent(
        "doctor", "--set=llm.provider=openai", "--set=llm.api_key_env=NO_SUCH_KEY", "-o", "json", cwd=finished
    )
    assert done.returncode == 105
    missing = [check for check in json.loads(done.stdout) if check["level"] == "missing"]
    assert [check["name"] for check in missing] == ["teacher"] and "NO_SUCH_KEY" in missing[0]["found"]
    assert docent("doctor", cwd=finished).returncode == 0


def test_only_a_unit_whose_input_is_missing_says_which_command_makes_it(tmp_path: Path, finished: Path) -> None:
    done = docent("run", "--data", str(tmp_path / "runs"), "--only", "curate", cwd=finished)
    assert done.returncode == 101
    assert f"docent run pipeline.yaml --run test --data {tmp_path}/runs --to assemble" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_run_of_another_file_is_taken_as_it_is_unless_a_file_is_given(tmp_path: Path) -> None:
    text = DATA_STAGES % as_csv(tmp_path / "source").relative_to(tmp_path)
    (tmp_path / "other.yaml").write_text(text.replace("name: test", "name: other") + "seed: 5\n")
    (tmp_path / "pipeline.yaml").write_text(text)
    assert docent("run", "other.yaml", "--to", "ingest", cwd=tmp_path).returncode == 0
    before = snapshot(tmp_path)

    def first_unit(*arguments: str, **environ: str) -> str:
        done = docent("plan", "--run", "other", "-o", "json", *arguments, cwd=tmp_path, **environ)
        return str(json.loads(done.stdout)[0]["action"])

    assert "nothing to do" in docent("run", "--run", "other", "--to", "ingest", cwd=tmp_path).stdout
    refused = docent("run", "--run", "other", "--only", "curate", "--set=seed=1", cwd=tmp_path)
    assert refused.returncode == 101 and "docent run --run other --to assemble" in refused.stderr
    assert snapshot(tmp_path) == before
    assert (first_unit(), first_unit("pipeline.yaml"), first_unit("--set=seed=1")) == ("done", "run", "run")
    assert first_unit(DOCENT_SEED="1") == "run"
    assert "runs/other" not in docent("plan", cwd=tmp_path).stdout


# What a user can break, and what he is told.


def broken(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "pipeline.yaml").write_text(text)
    done = docent("run", cwd=folder)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_an_unknown_key_ends_with_3_and_a_suggestion(tmp_path: Path) -> None:
    done = broken(tmp_path, "generate_qa: {temperature: [0.4]}")
    assert done.returncode == 3
    assert "did you mean `temperatures`?" in done.stderr


def test_stages_that_cannot_do_without_another_say_so_together(tmp_path: Path) -> None:
    done = broken(tmp_path, "curate: {}\nfinetune: {}")
    assert done.returncode == 3
    assert "curate needs assemble" in done.stderr and "finetune needs build-dataset" in done.stderr


IMPOSSIBLE = {
    "generate_qa.types=[boolen]": "did you mean boolean?",
    "generate_qa.language=Klingon": "generate_qa.language",
    "ingest.sources.0.language=Klingon": "ingest.sources.0.language",
    "ingest.describe.enabled=true": "needs a model that reads pictures",
}


@pytest.mark.parametrize("override", IMPOSSIBLE)
def test_what_no_stage_could_do_is_said_before_the_first_one_starts(tmp_path: Path, override: str) -> None:
    (tmp_path / "pipeline.yaml").write_text(DATA_STAGES % as_csv(tmp_path / "source"))
    on_cluster = ["run", "--backend", "kubernetes", "--yes"]  # there is none: 4 would say that it was looked for
    for command in (["run", "--to", "ingest"], ["plan"], on_cluster):
        done = docent(*command, f"--set={override}", cwd=tmp_path, KUBECONFIG=str(tmp_path / "none"))
        assert (done.returncode, done.stderr.count("docent:")) == (3, 1), done.stdout + done.stderr
        assert IMPOSSIBLE[override] in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_stage_that_is_off_is_not_asked_whether_it_could(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(DATA_STAGES % as_csv(tmp_path / "source"))
    off = [f"--set={stage}.enabled=false" for stage in ("generate_qa", "curate", "build_dataset")]
    assert docent("plan", "--set=generate_qa.types=[boolen]", *off, cwd=tmp_path).returncode == 0


def test_a_csv_without_a_needed_column_ends_with_100_and_names_it(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "source")
    path.write_text(path.read_text("utf-8-sig").replace("description", "desc", 1))
    done = broken(tmp_path, DATA_STAGES % path)
    assert done.returncode == 100
    assert "description" in done.stdout


def test_a_source_that_does_not_exist_is_one_message(tmp_path: Path) -> None:
    done = broken(tmp_path, DATA_STAGES % (tmp_path / "nowhere.csv"))
    assert done.returncode == 100
    assert "nowhere.csv" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "--data", "pipeline.yaml"], 105, "pipeline.yaml"),
        (["run", "--from", "assess-images", "--to", "ingest"], 2, "no unit matches both"),
        (["run", "--run", "2024", "--to", "ingest"], 0, "2024"),
        (["run", "--set=report.max_samples=2024-99-99"], 3, "report.max_samples: must be a whole number"),
        (["run", "--set=assess_images.min_sharpness=.inf"], 3, "finite"),
        (["run", "--set=llm.api_key_env=sk-proj-abcdefgh"], 3, "never the secret itself"),
        (["gc", "--run", "nosuch"], 102, "run 'nosuch' does not exist"),
        (["stage", "curate", "--config=pipeline.yaml", "--run-dir=x", "--shard=9/2"], 2, "does not exist"),
    ],
)
def test_unusual_arguments_end_with_their_code_and_one_message(
    finished: Path, arguments: list[str], code: int, said: str
) -> None:
    done = docent(*arguments, cwd=finished)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert said in done.stdout + done.stderr
    assert "sk-proj" not in done.stdout + done.stderr
    shutil.rmtree(finished / "runs" / "2024", ignore_errors=True)


def test_names_that_are_not_utf8_are_rejected_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = as_folder(tmp_path / "source")
    first = folder / "red-disc" / "red-disc-1.jpg"
    os.rename(first, os.fsencode(first.parent) + b"/caf\xe9.jpg")
    text = DATA_STAGES.replace("exhibits-csv", "exhibits-folder") % folder
    done = broken(tmp_path, text.replace("assess_images", "  max_reject_rate: 0.5\nassess_images"))
    assert done.returncode == 0, done.stdout
    rejects = "".join(p.read_text() for p in (tmp_path / "runs/test/ingest").glob("*/rejects-*.jsonl"))
    assert "photo not found" in rejects and "caf" in rejects


def test_bad_pictures_are_listed_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "source", photos=6)
    images = tmp_path / "source" / "images"
    whole = (images / "red-disc-1.jpg").read_bytes()
    (images / "red-disc-1.jpg").write_bytes(whole[: len(whole) // 2])
    header = b"IHDR" + (50_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0"
    huge = b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + zlib.crc32(header).to_bytes(4)
    (images / "blue-bar-1.jpg").write_bytes(huge + b"\0\0\0\0IDAT" + zlib.crc32(b"IDAT").to_bytes(4))
    path.write_text(path.read_text("utf-8-sig").replace("green-cross-1.jpg", "../../secret.jpg"), encoding="utf-8")
    (tmp_path / "secret.jpg").write_bytes(whole)
    done = broken(tmp_path, (DATA_STAGES % path).replace("assess_images", "  max_reject_rate: 0.5\nassess_images"))
    assert done.returncode == 0, done.stdout
    rejects = "".join(p.read_text() for p in (tmp_path / "runs/test/ingest").glob("latest/rejects-*.jsonl"))
    assert "too many pixels" in rejects and "path leaves" in rejects
    assert rejects.count('"reason":"does not decode"') == 1
    assert "rejected by ingest: 3 (" in done.stdout and "1 x does not decode" in done.stdout


@pytest.mark.parametrize("size", ["40k", "60k", "300k"])
def test_a_full_disk_is_one_message_and_the_next_run_goes_on(tmp_path: Path, size: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        (tmp_path / "pipeline.yaml").write_text(DATA_STAGES % as_csv(tmp_path / "source", photos=20))
        done = docent("run", "--data", str(disk), cwd=tmp_path)
        assert done.returncode == 100
        assert "the disk is full" in done.stdout and "Traceback" not in done.stdout + done.stderr
        assert not list(disk.rglob("*.tmp"))
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        assert docent("run", "--data", str(disk), cwd=tmp_path).returncode == 0
    finally:
        subprocess.run(["umount", str(disk)], check=True)
