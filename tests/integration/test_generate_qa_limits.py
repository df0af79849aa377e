"""Stage generate-qa under limits: shards side by side, money, tokens, a stop, a rate, a journal of an older docent."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.integration.test_generate_qa import (
    Endpoint,
    Museum,
    artifact,
    endpoint,  # noqa: F401 - a fixture
    endpoint_process,  # noqa: F401 - a fixture
    openai,
    pairs_of,
)
from tests.integration.test_generate_qa import WithStage as WithStage
from tests.journal_records import records, states

from docent.config import PipelineConfig, dump_config

RUN_SHARD = (
    "import sys; from pathlib import Path; from docent.config import load_config; from docent.stage import *;"
    "from docent.store import Shard; shard = Shard(int(sys.argv[3]), int(sys.argv[4]));"
    "sys.exit(run_shard(load_config(Path(sys.argv[1])), 'generate-qa', Path(sys.argv[2]), shard))"
)
USD = {"usd_per_million_input_tokens": 1.0, "usd_per_million_output_tokens": 10.0}


@pytest.fixture
def museum(tmp_path: Path, with_stage: WithStage) -> Museum:
    return Museum(tmp_path, 8, with_stage)


def begun(museum: Museum, run_dir: Path, config: PipelineConfig) -> list[subprocess.Popen[bytes]]:
    """All shards, each in a process of its own, at the same time."""
    path = museum.tmp_path / "pipeline.yaml"
    path.write_text(dump_config(config))
    count = config.generate_qa.shards if config.generate_qa else 1
    command = [sys.executable, "-c", RUN_SHARD, str(path), str(run_dir)]
    return [subprocess.Popen([*command, str(index), str(count)]) for index in range(count)]


def at_once(museum: Museum, run_dir: Path, config: PipelineConfig) -> list[int]:
    """Exit codes of all shards, run at the same time."""
    return [process.wait(timeout=60) for process in begun(museum, run_dir, config)]


def asked_more_than_once(endpoint: Endpoint) -> list[int]:  # noqa: F811
    """How often each request came that came more than once."""
    counts = Counter(str(sent) for sent in endpoint.stats()["sent"])
    return [count for count in counts.values() if count > 1]


def test_one_four_or_sixteen_shards_write_the_same_bytes_each_with_a_journal_of_its_own(
    tmp_path: Path,
    with_stage: WithStage,
    endpoint: Endpoint,  # noqa: F811
) -> None:
    digests = set()
    for shards in (1, 4, 16):
        endpoint.behave(statuses=[500, 200, 200, 429, 200, 503], unusable={"0.7": 1})
        (tmp_path / f"{shards}").mkdir()
        museum = Museum(tmp_path / f"{shards}", 8, with_stage)  # noqa: F811
        config = museum.config(shards, llm=openai(endpoint, max_in_flight=16))
        run_dir = museum.prepare("a", config)
        assert museum.generate(run_dir, config) == 0
        assert endpoint.stats()["answered"] == 24 + 8, "nothing comes from another journal"
        digests.add(artifact(run_dir).digest)
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("limit", "raised"),
    [({"max_usd": 0.5}, {"max_usd": 5.0}), ({"max_tokens": 60_000}, {"max_tokens": 600_000})],
    ids=["usd", "tokens"],
)
def test_four_shards_at_once_stay_below_the_limit_and_go_on_where_they_stopped(
    museum: Museum,
    endpoint: Endpoint,  # noqa: F811
    limit: dict[str, Any],
    raised: dict[str, Any],
) -> None:
    endpoint.behave(usage=[500, 3000], delay_s=0.02)
    config = museum.config(4, llm=openai(endpoint, max_in_flight=16, **limit, **USD))
    run_dir = museum.prepare("a", config)
    assert at_once(museum, run_dir, config) == [43] * 4
    paid = endpoint.stats()["answered"]
    assert 8 <= paid < 24
    assert paid * (500 + 3000 * 10) / 1e6 <= limit.get("max_usd", 9.9)
    assert paid * 3500 <= limit.get("max_tokens", 10**9)
    assert museum.generate(run_dir, config) == 43, "what was paid before counts"
    assert endpoint.stats()["answered"] == paid
    more = museum.config(4, llm=openai(endpoint, max_in_flight=16, **raised, **USD))
    assert museum.generate(run_dir, more) == 0
    assert asked_more_than_once(endpoint) == [] and endpoint.stats()["requests"] == 24
    assert len(pairs_of(run_dir)) == 120


def test_a_stopped_stage_ends_with_143_keeps_what_was_under_way_and_repeats_nothing(
    museum: Museum,
    endpoint: Endpoint,  # noqa: F811
) -> None:
    endpoint.behave(delay_s=0.2)
    config = museum.config(llm=openai(endpoint, max_in_flight=4))
    run_dir = museum.prepare("a", config)
    (process,) = begun(museum, run_dir, config)
    until_s = time.monotonic() + 60
    while endpoint.stats()["answered"] < 6 and time.monotonic() < until_s:
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 143
    stats = endpoint.stats()
    assert 6 <= stats["answered"] == stats["requests"] < 24, "what was under way was waited for"
    ended = states(museum.tmp_path / "runs" / "cache" / "llm" / "journal")
    assert ended["replied"] == stats["answered"] and not ended["begun"] and not ended["lost"]
    assert museum.generate(run_dir, config) == 0
    assert endpoint.stats()["requests"] == 24 and asked_more_than_once(endpoint) == []


def test_the_rate_per_minute_is_kept_to_in_every_window(museum: Museum, endpoint: Endpoint) -> None:  # noqa: F811
    """600 a minute are ten a second, and as many may come together; three more for what the network does."""
    config = museum.config(llm=openai(endpoint, max_in_flight=32, requests_per_minute=600))
    assert museum.generate(museum.prepare("a", config), config) == 0
    times_s = endpoint.stats()["times_s"]
    assert len(times_s) == 24
    for first, start_s in enumerate(times_s):
        for last in range(first, len(times_s)):
            assert last - first + 1 <= 10 + 10 * (times_s[last] - start_s) + 3


def test_replies_in_the_journal_of_the_version_before_are_not_paid_again(
    museum: Museum,
    endpoint: Endpoint,  # noqa: F811
) -> None:
    config = museum.config(llm=openai(endpoint))
    run_dir = museum.prepare("a", config)
    assert museum.generate(run_dir, config) == 0
    digest = artifact(run_dir).digest
    journal = museum.tmp_path / "runs" / "cache" / "llm" / "journal"
    rows = list(records(journal).values())
    shutil.rmtree(journal)
    with sqlite3.connect(journal.with_suffix(".sqlite")) as db:
        db.execute(
            "CREATE TABLE attempts (id INTEGER PRIMARY KEY, request, key, endpoint, batch, begun_s, state, text, "
            "finish_reason, input_tokens, output_tokens, why, owner)"
        )
        for row in rows:
            key = bytes.fromhex(row["key"])
            reply = [row[name] for name in ("text", "finish_reason", "input_tokens", "output_tokens")]
            values = (key, key, row["endpoint"], "", row["begun_s"], 1, *reply, "", "")
            db.execute(f"INSERT INTO attempts VALUES (NULL, {', '.join('?' * len(values))})", values)
        db.execute("PRAGMA user_version = 3")
    db.close()
    endpoint.behave()
    again = museum.prepare("b", config)
    assert museum.generate(again, config) == 0
    assert endpoint.stats()["requests"] == 0 and artifact(again).digest == digest
