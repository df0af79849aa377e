"""Prove that killing launcher, stage pod and kubelet during a run on a cluster loses and duplicates nothing.

Reads pipelines/smoke.yaml and the current KUBECONFIG; creates two namespaces, runs once uninterrupted and once with
kills, compares the digests of all units, deletes the namespaces, and writes the results to docs/proofs.json.
Run it with the images loaded: `.venv/bin/python scripts/prove/cluster_kills.py [--seed 1]
[--kubelet-pid FILE --restart COMMAND]`. Without a pid file the kubelet is not killed. Exits with 1 on a difference.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kills import ROOT, note

RUN = "smoke"
FILE = f"pipelines/{RUN}.yaml"
POLL_S = 0.5
TIMEOUT_S = 1800


def main() -> int:
    """Run once uninterrupted and once with kills, and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kubelet-pid", type=Path, help="file whose first word is the kubelet's process id")
    parser.add_argument("--restart", default="", help="command that starts the kubelet again")
    options = parser.parse_args()
    quiet, rough = (f"prove-{name}-{os.getpid()}" for name in ("calm", "rough"))
    calm, calm_s = undisturbed(quiet)
    kills = ["launcher", "stage pod", *(["kubelet"] if options.kubelet_pid else [])]
    rng = random.Random(options.seed)
    moments_s = sorted(rng.uniform(0.1, 0.8) * calm_s for _ in kills)
    rng.shuffle(kills)
    struck = disturbed(rough, list(zip(moments_s, kills, strict=True)), options)
    units_after_kills = units(rough)
    different = sorted(
        name for name in calm if name != "report" and digest(units_after_kills, name) != digest(calm, name)
    )
    seen = {
        "kills": struck,
        "seed": options.seed,
        "undisturbed_s": round(calm_s, 1),
        "units_compared": len(calm) - 1,
        "units_that_differ": different,
        "rows_kept": sum(unit["rows"] for unit in units_after_kills.values()),
        "rows_undisturbed": sum(unit["rows"] for unit in calm.values()),
    }
    note("cluster_kills", seen)
    print(json.dumps(seen, indent=1))
    for namespace in (quiet, rough):
        kubectl("delete", "namespace", namespace, "--wait=false")
    return 1 if different or not calm else 0


def undisturbed(namespace: str) -> tuple[dict[str, Any], float]:
    """Run uninterrupted; return the units and the duration."""
    started_s = time.monotonic()
    start(namespace)
    finish(namespace)
    return units(namespace), time.monotonic() - started_s


def disturbed(namespace: str, blows: list[tuple[float, str]], options: argparse.Namespace) -> list[str]:
    """Run while killing each target at its time; return what was killed and when."""
    started_s = time.monotonic()
    start(namespace)
    struck = []
    for moment_s, target in blows:
        while time.monotonic() - started_s < moment_s:
            time.sleep(POLL_S)
        struck.append(f"{target} at {moment_s:.0f} s: {strike(namespace, target, options)}")
        print(struck[-1], flush=True)
    finish(namespace)
    return struck


def strike(namespace: str, target: str, options: argparse.Namespace) -> str:
    """Kill one target; return its name."""
    if target == "kubelet":
        os.kill(int(options.kubelet_pid.read_text().split()[0]), signal.SIGKILL)
        subprocess.run(shlex.split(options.restart), check=True, stdout=subprocess.DEVNULL)
        return "killed and started again"
    wanted = f"{RUN}-launcher-" if target == "launcher" else f"{RUN}-"
    until_s = time.monotonic() + 120
    while time.monotonic() < until_s:
        running = [
            pod["metadata"]["name"]
            for pod in json.loads(kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
            if pod["status"]["phase"] == "Running" and pod["metadata"]["name"].startswith(wanted)
        ]
        victims = [name for name in running if (f"{RUN}-launcher-" in name) == (target == "launcher")]
        if victims:
            kubectl("delete", "pod", "-n", namespace, victims[0], "--grace-period=0", "--force")
            return victims[0]
        time.sleep(POLL_S)
    raise SystemExit(f"no {target} was running within 120 s")


def start(namespace: str) -> None:
    """Start the run detached."""
    docent("run", FILE, "--yes", "--detach", "--set", f"kubernetes.namespace={namespace}", namespace=namespace)


def finish(namespace: str) -> None:
    """Wait for the end of the run."""
    docent("wait", "--run", RUN, "--timeout-s", str(TIMEOUT_S), namespace=namespace)


def units(namespace: str) -> dict[str, Any]:
    """Return unit -> state from the run's state."""
    state = json.loads(kubectl("get", "configmap", f"{RUN}-state", "-n", namespace, "-o", "json"))
    states: dict[str, Any] = json.loads(state["data"]["units.json"])["units"]
    return states


def digest(states: dict[str, Any], name: str) -> str:
    """Return the digest of a unit; empty if the unit is missing."""
    return str(states.get(name, {}).get("digest", ""))


def docent(*words: str, namespace: str) -> None:
    """Run a docent command on the cluster."""
    environment = {**os.environ, "DOCENT_BACKEND": "kubernetes", "DOCENT_NAMESPACE": namespace}
    subprocess.run([sys.executable, "-m", "docent", *words], cwd=ROOT, check=True, env=environment)


def kubectl(*words: str) -> str:
    """Run kubectl and return its standard output."""
    return subprocess.run(["kubectl", *words], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
