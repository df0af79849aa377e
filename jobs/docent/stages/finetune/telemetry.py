"""Measure the speed of a training for progress messages; nothing here enters the output, which must not vary."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Throughput:
    """Counts tokens and seconds of the optimiser steps of this attempt; steps before a resume do not count.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._tokens, self._seconds = clock, 0, 0.0

    @contextmanager
    def step(self, tokens: int) -> Iterator[None]:
        """Measure one optimiser step.

        Args:
            tokens: tokens of all micro-batches of all processes, without padding.
        """
        started_s = self._clock()
        yield
        self._tokens += tokens
        self._seconds += self._clock() - started_s

    @property
    def tokens_per_second(self) -> float:
        """Return the mean speed so far, or 0 before the first step."""
        return self._tokens / self._seconds if self._seconds else 0.0
