"""The lease against a real API server: one holder, expiry, loss, and giving back."""

from __future__ import annotations

import threading
import time

import pytest

from docent.errors import LauncherError
from docent.launcher.cluster.api.client import Cluster, Object
from docent.launcher.cluster.api.lease import Lease

SHORT_S = 2


def lease(cluster: Cluster, name: str, holder: str) -> Lease:
    body: Object = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}}
    return Lease(cluster.with_patience(0.0), body, holder, patience_s=0.5, duration_s=SHORT_S)


def holder_of(cluster: Cluster, name: str) -> str:
    return str((cluster.get("Lease", name) or {})["spec"].get("holderIdentity", ""))


def test_one_holds_it_and_the_next_gets_it_when_it_is_given_back(cluster: Cluster) -> None:
    with lease(cluster, "one", "a") as first:
        first.acquire(5)
        first.check()
        with pytest.raises(LauncherError, match="another launcher is already running: a") as refused:
            lease(cluster, "one", "b").acquire(2 * SHORT_S)  # renewed meanwhile: it does not expire
        assert refused.value.exit_code == 105
        first.check()
    assert holder_of(cluster, "one") == ""
    with lease(cluster, "one", "b") as second:
        began_s = time.monotonic()
        second.acquire(5)
        assert time.monotonic() - began_s < SHORT_S
        assert holder_of(cluster, "one") == "b"
    assert (cluster.get("Lease", "one") or {})["spec"]["leaseTransitions"] >= 1


def test_one_that_nobody_renews_is_taken_over_and_its_holder_notices(cluster: Cluster) -> None:
    dead = lease(cluster, "two", "dead")
    dead._thread = threading.Thread(target=lambda: None)  # killed: it renews nothing
    dead.acquire(5)
    with lease(cluster, "two", "b") as second:
        second.acquire(10 * SHORT_S)
        second.check()
        with pytest.raises(LauncherError) as lost:
            dead.check()
        assert lost.value.exit_code == 4
        dead.release()
        assert holder_of(cluster, "two") == "b", "what is lost is not given back"


def test_a_stolen_lease_is_noticed(cluster: Cluster) -> None:
    mine = lease(cluster, "three", "mine")
    mine.acquire(5)
    mine._ended.set()  # a renewal at this moment would make the theft a conflict
    mine._thread.join()
    found = cluster.get("Lease", "three") or {}
    found["spec"]["holderIdentity"] = "thief"
    cluster.replace(found)
    mine._ended.clear()
    mine._keep()
    with pytest.raises(LauncherError, match="thief acquired it"):
        mine.check()


def test_of_many_that_come_at_once_one_gets_it(cluster: Cluster) -> None:
    everybody = [lease(cluster, "four", f"h{i}") for i in range(6)]
    got: list[Lease] = []

    def compete(one: Lease) -> None:
        try:
            one.acquire(0)
        except LauncherError:
            return
        got.append(one)

    threads = [threading.Thread(target=compete, args=(one,)) for one in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert got[0].holder == holder_of(cluster, "four")
    got[0].release()
