"""How many requests at the same time, against servers that queue, hang or are just slow, in simulated time."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.llm.pace.concurrency import Concurrency


@dataclass
class Server:
    """Works on `slots` requests at once, queues the others, and forgets some for ever.

    Attributes:
        sigma: of the lognormal time a request takes; its median is `latency_s`.
        hangs: share that never comes back.
    """

    slots: int = 10**9
    latency_s: float = 0.2
    sigma: float = 0.0
    hangs: float = 0.0


@dataclass(frozen=True)
class Run:
    """How it went.

    Attributes:
        seconds: until the last reply.
        nearly_all_s: until 95 % of them.
        lost: requests that timed out.
        limits: after each end.
        last_latency_s: mean of the last replies.
    """

    seconds: float
    nearly_all_s: float
    lost: int
    limits: list[int]
    last_latency_s: float


class Simulation:
    """Keeps as many in flight as the limit allows until all have their reply."""

    def __init__(self, server: Server, most: int, timeout_s: float, seed: int) -> None:
        self.server, self.timeout_s, self.chance = server, timeout_s, random.Random(seed)
        self.concurrency = Concurrency(most)
        self.events: list[tuple[float, bool, int]] = []  # when, whether the client gives up then, which request
        self.sent_s: dict[int, float] = {}
        self.queue: deque[int] = deque()
        self.now_s, self.busy, self.number, self.lost = 0.0, 0, 0, 0
        self.limits: list[int] = []
        self.latencies: list[float] = []

    def send(self) -> None:
        self.number += 1
        self.sent_s[self.number] = self.now_s
        if self.timeout_s < math.inf:
            heapq.heappush(self.events, (self.now_s + self.timeout_s, True, self.number))
        if self.chance.random() >= self.server.hangs:
            self.queue.append(self.number)
            self.serve()

    def serve(self) -> None:
        while self.queue and self.busy < self.server.slots:
            self.busy += 1
            took_s = self.server.latency_s * self.chance.lognormvariate(0, self.server.sigma)
            heapq.heappush(self.events, (self.now_s + took_s, False, self.queue.popleft()))

    def next(self) -> bool:
        """The next event; returns whether it brought a reply that was waited for."""
        self.now_s, gave_up, which = heapq.heappop(self.events)
        if not gave_up:  # the server goes on with what nobody waits for any more
            self.busy -= 1
            self.serve()
        if which not in self.sent_s:
            return False
        full = len(self.sent_s) >= self.concurrency.limit
        took_s = self.now_s - self.sent_s.pop(which)
        self.concurrency.ended(None if gave_up else took_s, full, self.now_s)
        self.limits.append(self.concurrency.limit)
        self.lost += gave_up
        if not gave_up:
            self.latencies.append(took_s)
        return not gave_up


def simulate(server: Server, requests: int, most: int, timeout_s: float = math.inf, seed: int = 0) -> Run:
    """Ask so many requests, the lost ones again."""
    simulation = Simulation(server, most, timeout_s, seed)
    done, nearly_all_s = 0, 0.0
    while done < requests:
        while len(simulation.sent_s) < min(simulation.concurrency.limit, requests - done):
            simulation.send()
        done += simulation.next()
        if done <= 0.95 * requests:
            nearly_all_s = simulation.now_s
    last = simulation.latencies[-200:]
    return Run(simulation.now_s, nearly_all_s, simulation.lost, simulation.limits, sum(last) / len(last))


def best_s(server: Server, requests: int, most: int) -> float:
    return requests * server.latency_s * math.exp(server.sigma**2 / 2) / min(server.slots, most)


@pytest.mark.parametrize("most", [1, 2, 8, 64, 256])
def test_a_latency_that_stays_the_same_never_lowers_the_limit(most: int) -> None:
    run = simulate(Server(), 20 * most + 50, most)
    assert set(run.limits) == {most}


@pytest.mark.feature("concurrency")
@pytest.mark.parametrize("slots", [16, 64])
@pytest.mark.parametrize("sigma", [0.0, 0.3, 0.6])
def test_a_server_that_queues_is_not_given_a_queue(slots: int, sigma: float) -> None:
    server = Server(slots=slots, sigma=sigma)
    run = simulate(server, 15_000, 256)
    assert run.limits[-1] <= 3 * slots and run.seconds <= best_s(server, 15_000, 256) / 0.95
    assert run.last_latency_s <= 3.5 * server.latency_s * math.exp(sigma**2 / 2)


def test_a_server_that_is_shared_for_a_while_is_used_fully_again_afterwards() -> None:
    concurrency, now_s = Concurrency(64), 0.0
    for slots, fewest, most in ((64, 64, 64), (8, 4, 24), (64, 48, 64)):
        for _ in range(300):
            limit = concurrency.limit
            now_s += 0.2 * max(1.0, limit / slots)
            for _ in range(limit):
                concurrency.ended(0.2 * max(1.0, limit / slots), True, now_s)
        assert fewest <= concurrency.limit <= most


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("latency_s", "sigma"), [(0.2, 0.3), (2.0, 0.6), (5.0, 1.0)])
def test_replies_of_very_different_length_cost_little(latency_s: float, sigma: float, seed: int) -> None:
    """What the last few long ones take on their own is no matter of the limit."""
    server = Server(latency_s=latency_s, sigma=sigma)
    run = simulate(server, 8000, 128, seed=seed)
    assert run.nearly_all_s / 0.95 <= 1.15 * best_s(server, 8000, 128)


def test_timeouts_halve_what_is_in_flight() -> None:
    concurrency = Concurrency(64)
    for expected in (32, 16, 8):
        while concurrency.limit > expected:
            concurrency.ended(None, True, 1.0)
        assert concurrency.limit == expected
    for _ in range(1000):
        concurrency.ended(None, True, 1.0)
    assert concurrency.limit == 1


def test_a_server_that_is_given_too_much_loses_ever_less() -> None:
    run = simulate(Server(slots=4), 4000, 256, timeout_s=2.0)
    assert run.limits[-1] <= 32 and run.lost <= 1400 and run.last_latency_s < 1.5


def test_a_few_that_hang_do_not_lower_the_limit() -> None:
    run = simulate(Server(hangs=0.02), 5000, 64, timeout_s=1.0)
    assert run.limits[-1] == 64 and min(run.limits) >= 44


def test_rounds_that_were_not_full_say_nothing() -> None:
    concurrency = Concurrency(64)
    for number in range(5000):
        concurrency.ended(0.1 + 0.001 * number, False, 0.1 * number)
    assert concurrency.limit == 64


@given(st.integers(1, 300), st.lists(st.tuples(st.none() | st.floats(0, 1e4), st.booleans(), st.floats(0, 5))))
def test_the_limit_is_always_one_that_can_be_used(most: int, ends: list[tuple[float | None, bool, float]]) -> None:
    concurrency, now_s = Concurrency(most), 0.0
    for took_s, full, later_s in ends * 20:
        now_s += later_s
        concurrency.ended(took_s, full, now_s)
        assert 1 <= concurrency.limit <= most
