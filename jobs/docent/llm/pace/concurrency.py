"""Choose the number of concurrent requests: as many as allowed, fewer while the endpoint only queues them.

Reads and writes nothing and has no clock. An endpoint that queues (vLLM, LMDeploy) refuses nothing: beyond its
capacity, more requests make each one slower without raising throughput. By Little's law, replies per second then do not
rise with the number in flight. So if replies take much longer than before, fewer requests are tried. If throughput
stays the same, requests were only queueing, and the lower number is kept; otherwise it is taken back.
"""

SLOWER = 1.5
"""If replies take longer than the fastest typical ones by this factor, fewer are tried."""
FEWER = 0.7
"""The share of requests that is tried then."""
GROUP = 16
"""Consecutive replies whose mean is compared: a single one may be short by chance."""
FADES = 1.01
"""The fastest time is raised by this factor every round, because the endpoint's load and the requests change."""
SAME = 0.95
"""A throughput of at least this share of the previous one counts as the same."""
UP = 1.25
"""Factor by which more are tried from time to time, while below the highest number allowed."""
LONGEST_PATIENCE = 64
"""Most rounds between two attempts; the number doubles with every failed attempt."""
LOST_SHARE = 0.2
"""If more than this share of a round times out, the number in flight is halved."""


class Concurrency:
    """The number of requests that may be in flight now, `limit`, at most `most`.

    A round lasts until each request in flight has been answered about once; only rounds in which all places were taken
    provide evidence about the endpoint. `fastest_s` is the shortest mean of consecutive replies, infinite at first.
    """

    def __init__(self, most: int) -> None:
        self.limit = self.most = most
        self.fastest_s = float("inf")
        self._before: tuple[int, float] | None = None
        self._wait_rounds, self._patience = 0, 1
        self._settling = False
        self._start(0.0)

    def _start(self, now_s: float) -> None:
        self._started_s, self._ended, self._lost, self._took_s = now_s, 0, 0, 0.0
        self._full = True
        self._group_s, self._grouped = 0.0, 0

    def ended(self, took_s: float | None, was_full: bool, now_s: float) -> None:
        """Count a request that has ended.

        Args:
            took_s: seconds until its reply, or None if it timed out.
            was_full: whether all places were taken when it ended.
        """
        if self._ended == 0 and self._lost == 0 and self._started_s == 0.0:
            self._started_s = now_s - (took_s or 0.0)
        self._full = self._full and was_full
        if took_s is None:
            self._lost += 1
        else:
            self._ended += 1
            self._took_s += took_s
            self._group_s, self._grouped = self._group_s + took_s, self._grouped + 1
            if self._grouped == GROUP:
                self.fastest_s = min(self.fastest_s, self._group_s / GROUP)
                self._group_s, self._grouped = 0.0, 0
        if self._ended + self._lost >= max(2 * self.limit, 16):
            self._judge(now_s)

    def _judge(self, now_s: float) -> None:
        """Evaluate a round and set the next limit."""
        lost_share = self._lost / (self._ended + self._lost)
        mean_s = self._took_s / max(self._ended, 1)
        rate = self._ended / max(now_s - self._started_s, 1e-9)
        full = self._full
        self._start(now_s)
        if lost_share > LOST_SHARE:
            self._before, self._wait_rounds = None, self._patience
            self._to(max(1, self.limit // 2))
        elif self._settling:
            self._settling = False  # requests from before the change were still among them
        elif full:
            self.fastest_s *= FADES
            self._compare(rate, mean_s)

    def _compare(self, rate: float, mean_s: float) -> None:
        if self._before is not None:
            (limit, earlier), self._before = self._before, None
            fewer = self.limit < limit
            if (fewer and rate >= SAME * earlier) or (not fewer and rate > earlier / SAME):
                self._wait_rounds, self._patience = 0, 1
            else:
                self._wait_rounds = self._patience = min(2 * self._patience, LONGEST_PATIENCE)
                self._to(limit)
                return
        if self._wait_rounds > 0:
            self._wait_rounds -= 1
        elif mean_s > SLOWER * self.fastest_s and self.limit > 1:
            self._before = (self.limit, rate)
            self._to(max(1, int(self.limit * FEWER)))
        elif self.limit < self.most:
            self._before = (self.limit, rate)
            self._to(min(self.most, max(self.limit + 1, int(self.limit * UP))))

    def _to(self, limit: int) -> None:
        self.limit, self._settling = limit, True
