"""Prove that no server can stall the chat client or the image download, and that runs sharing a journal pay once.

Two parts. A chat request and an image download meet every fault of misbehaving.py: each ends within its time limits,
with a reply or an error message, and the ledger records the end of every attempt. Then, in several series, two
processes ask the same questions through one journal, while one of them is killed or suspended at seeded moments: each
question is requested once, and once more at most if it was in flight at a kill.

Writes journals into a temporary folder and the results to docs/proofs.json. Run it:
`.venv/bin/python scripts/prove/hostile_endpoints.py [--series 12] [--seed 1]`. Exits with 1 on a failure.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from chat_kills import Asker
from kills import note
from misbehaving import WAYS

from docent.config.llm import Llm
from docent.errors import PipelineError
from docent.llm.chat import ChatRequest, Message
from docent.llm.client import ChatClient
from docent.stages.ingest.fetch.errors import FetchError
from docent.stages.ingest.fetch.fetch import Rules, fetch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from mock_process import Mock  # noqa: E402

SERVER = Path(__file__).with_name("misbehaving.py")
TIMEOUT_S, TRIES, DEADLINE_S, MAX_BYTES = 1.0, 2, 5.0, 1_000_000
LONGEST_S = 60.0
"""Maximum time of one case, with retries, waits and other threads' work. Without docent's limits most never end."""
AT_ONCE = 8
N, IN_FLIGHT, LATENCY_S, POLL_S = 400, 20, 0.1, 0.005
SUSPENDED_S = 2.0


def main() -> int:
    """Run both parts; print a line for every violation."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chats, pictures = misbehaviours(Path(folder))
        with Mock([]) as mock:
            seeds = range(options.seed, options.seed + options.series)
            series = [shared(mock, Path(folder), seed) for seed in seeds]
    problems = [
        f"{what} {end['way']}: {end['problem']}"
        for what, ends in (("chat", chats), ("picture", pictures))
        for end in ends
        if end["problem"]
    ]
    problems += [f"series {one['seed']}: {one['problem']}" for one in series if one["problem"]]
    seen = summary(chats, pictures, series)
    print(json.dumps(seen, indent=1))
    print("\n".join(problems) or "all guarantees hold")
    if options.series >= 12:
        note("hostile_endpoints", seen)
    return 1 if problems else 0


def misbehaviours(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return how a chat request and an image download ended, for every fault."""
    process = subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            chats = list(pool.map(lambda way: chat(port, way, folder), WAYS))
            pictures = list(pool.map(lambda way: picture(port, way), WAYS))
        return chats, pictures
    finally:
        process.terminate()
        process.wait()


def chat(port: int, way: str, folder: Path) -> dict[str, Any]:
    """Send one chat request."""
    llm = Llm.model_validate(
        {
            "provider": "vllm",
            "base_url": f"http://127.0.0.1:{port}/{way}/v1",
            "model": "m",
            "timeout_s": TIMEOUT_S,
            "max_attempts": TRIES,
            "deadline_s": DEADLINE_S,
        }
    )
    began_s, problem = time.monotonic(), ""
    with ChatClient(llm, folder / way, environ={}) as client:
        try:
            (reply,) = client.ask([ChatRequest((Message("user", "Is it open?"),), 0.0, 5)])
            end = reply.error or reply.problem or "reply"
        except PipelineError as error:
            end = error.what
        except Exception as error:  # noqa: BLE001 - a traceback is what must not come of it
            end, problem = "", f"{type(error).__name__}: {error}"
        if client.sender.counts.without_end:
            problem = f"tries without an end: {dict(client.sender.counts.tries)}"
    return ended(way, began_s, end, problem)


def picture(port: int, way: str) -> dict[str, Any]:
    """Download one image."""
    began_s, problem = time.monotonic(), ""
    try:
        end = f"{len(fetch(f'http://127.0.0.1:{port}/{way}/a.jpg', rules(port)))} bytes"
    except FetchError as error:
        end = f"{error.reason}: {error.detail}"
    except Exception as error:  # noqa: BLE001 - as above
        end, problem = "", f"{type(error).__name__}: {error}"
    return ended(way, began_s, end, problem)


def rules(port: int) -> Rules:
    """Return the download rules."""
    return Rules((f"127.0.0.1:{port}",), TIMEOUT_S, MAX_BYTES)


def ended(way: str, began_s: float, end: str, problem: str) -> dict[str, Any]:
    """Return one line of the result."""
    took_s = time.monotonic() - began_s
    if took_s > LONGEST_S:
        problem = problem or f"ended only after {took_s:.1f} s"
    return {"way": way, "end": end, "took_s": round(took_s, 1), "problem": problem}


def shared(mock: Mock, folder: Path, seed: int) -> dict[str, Any]:
    """Run two processes with one journal; the first is left alone, suspended or killed midway.

    `in_flight` counts the attempts without a recorded end: those of the killed process.
    """
    rng, place = random.Random(seed), folder / f"shared-{seed}"
    place.mkdir()
    mock.reset({"latency_s": LATENCY_S, "latency_sigma": 0.3, "usage": (700, 250), "seed": seed})
    how = ("left alone", "suspended", "killed")[seed % 3]
    first, second = (Asker(mock, place, N, IN_FLIGHT) for _ in range(2))
    second.rows_name = "rows-2"
    victim, other = first.start(), second.start()
    while mock.stats()["ok"] < rng.uniform(0.1, 0.7) * N and victim.poll() is None:
        time.sleep(POLL_S)
    if how == "suspended":
        victim.send_signal(signal.SIGSTOP)
        time.sleep(SUSPENDED_S)
        victim.send_signal(signal.SIGCONT)
    elif how == "killed":
        victim.kill()
        victim.wait()
    codes = [other.wait(), *([victim.wait()] if how != "killed" else [])]
    requests, in_flight = mock.stats()["requests"], first.tries()[1]
    problem = ""
    if any(codes):
        problem = f"ended with {codes}: {(place / 'log').read_text()[-500:]}"
    elif not N <= requests <= N + in_flight:
        problem = f"{requests} requests for {N} questions, {in_flight} in flight at the kill"
    elif len((place / "rows-2").read_text().splitlines()) != N:
        problem = "rows are missing"
    print(f"series {seed:3}: {how}, {requests} requests for {N} questions", flush=True)
    return {"seed": seed, "how": how, "requests": requests, "in_flight": in_flight, "problem": problem}


def summary(
    chats: list[dict[str, Any]], pictures: list[dict[str, Any]], series: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the entry for docs/proofs.json."""
    calm = [one for one in series if one["how"] != "killed"]
    return {
        "ways": len(WAYS),
        "chats_without_an_end": sum(bool(end["problem"]) for end in chats),
        "pictures_without_an_end": sum(bool(end["problem"]) for end in pictures),
        "longest_chat_s": max(end["took_s"] for end in chats),
        "longest_picture_s": max(end["took_s"] for end in pictures),
        "shared_series": len(series),
        "questions_of_a_series": N,
        "asked_twice_without_a_kill": sum(one["requests"] - N for one in calm),
        "asked_again_after_a_kill": sum(one["requests"] - N for one in series if one["how"] == "killed"),
        "in_flight_at_the_kills": sum(one["in_flight"] for one in series),
    }


if __name__ == "__main__":
    sys.exit(main())
