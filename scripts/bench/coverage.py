"""Measure by simulation how often the 95 % score intervals contain the true value, for docs/benchmarks.md.

Draws test sets of a few exhibits with ANSWERS answers each from models whose true share of correct answers is known,
asks docent.evidence.intervals for the interval, and counts how often it contains the true share. The intraclass
correlation (ICC) is the similarity of the answers about one exhibit: 0 is independent, 1 is all correct or all wrong.
Prints Markdown; exits with 1 if any coverage is below MIN_COVERAGE. Reads and writes no files; the output is
deterministic. Run it: `.venv/bin/python scripts/bench/coverage.py [--tests 1000]`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from docent.evidence.intervals import Interval, mean_interval, share_difference, share_interval

SEED = 20261130
ANSWERS = 3
EXHIBITS = (3, 8, 20, 65)
RATES = (0.5, 0.8, 0.95)
CORRELATIONS = (0.0, 0.3, 1.0)
SECOND_RATE = 0.5  # of the model that a difference is taken from
RIGHT, WRONG, SPREAD = 0.2, 0.65, 0.1  # semantic distances of the default run: of right and wrong answers, around them
MIN_COVERAGE = 0.9

Floats = NDArray[np.float64]
Simulated = tuple[Interval, float]


def answers(rng: np.random.Generator, rate: float, icc: float, exhibits: int) -> Floats:
    """Draw 1 for a correct answer, else 0, (exhibits, ANSWERS): beta-binomial with the given mean and correlation."""
    if icc == 0:
        known = np.full(exhibits, rate)
    elif icc == 1:
        known = rng.binomial(1, rate, exhibits).astype(np.float64)
    else:
        known = rng.beta(rate * (1 - icc) / icc, (1 - rate) * (1 - icc) / icc, exhibits)
    return rng.binomial(1, known[:, None], (exhibits, ANSWERS)).astype(np.float64)


def share(rng: np.random.Generator, rate: float, icc: float, names: Sequence[str]) -> Simulated:
    """Simulate the share of correct answers; return its interval and the true value."""
    return share_interval(_flat(answers(rng, rate, icc, len(names) // ANSWERS)), names), rate


def difference(rng: np.random.Generator, rate: float, icc: float, names: Sequence[str]) -> Simulated:
    """Simulate the difference between two models' shares of correct answers about the same exhibits."""
    ours, theirs = (answers(rng, each, icc, len(names) // ANSWERS) for each in (rate, SECOND_RATE))
    return share_difference(_flat(ours), _flat(theirs), names), rate - SECOND_RATE


def distance(rng: np.random.Generator, rate: float, icc: float, names: Sequence[str]) -> Simulated:
    """Simulate the mean semantic distance, which is around RIGHT for a correct answer and around WRONG otherwise."""
    right = answers(rng, rate, icc, len(names) // ANSWERS)
    noise = rng.normal(0, SPREAD, right.shape) + rng.normal(0, SPREAD, (len(right), 1))
    values = np.where(right == 1, RIGHT, WRONG) + noise
    return mean_interval(_flat(values), names), rate * RIGHT + (1 - rate) * WRONG


MEASURES: dict[str, Callable[[np.random.Generator, float, float, Sequence[str]], Simulated]] = {
    "share of right answers": share,
    f"difference from a model with {SECOND_RATE:.0%}": difference,
    "mean semantic distance": distance,
}


def coverage(measure: str, exhibits: int, rate: float, icc: float, tests: int) -> float | None:
    """Return the share of simulated tests whose interval contains the true value; None if no interval is given."""
    rng = np.random.default_rng([SEED, list(MEASURES).index(measure), exhibits, round(100 * rate), round(100 * icc)])
    names = [f"{number:03d}" for number in range(exhibits) for _ in range(ANSWERS)]
    simulated = [MEASURES[measure](rng, rate, icc, names) for _ in range(tests)]
    given = [(one.bounds, truth) for one, truth in simulated if one.bounds is not None]
    if not given:
        return None
    return sum(low <= truth <= high for (low, high), truth in given) / len(given)


def table(tests: int) -> Iterator[tuple[str, list[float | None]]]:
    """Yield the heading and the cells of one table row for every measure and number of exhibits."""
    for measure in MEASURES:
        for exhibits in EXHIBITS:
            cells = [coverage(measure, exhibits, rate, icc, tests) for rate in RATES for icc in CORRELATIONS]
            yield f"| {measure} | {exhibits} |", cells


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tests", type=int, default=1000, help="simulated tests for every cell")
    tests = parser.parse_args().tests
    heads = [f"{rate:.0%}, ICC {icc:g}" for rate in RATES for icc in CORRELATIONS]
    print("| 95 % interval of | exhibits |", " | ".join(heads), "|")
    print("| --- " * (2 + len(heads)) + "|")
    lowest = 1.0
    for heading, cells in table(tests):
        print(heading, " | ".join("none given" if cell is None else f"{cell:.1%}" for cell in cells), "|")
        lowest = min([lowest, *(cell for cell in cells if cell is not None)])
    print(f"\nlowest coverage: {lowest:.1%}")
    return 0 if lowest >= MIN_COVERAGE else 1


def _flat(values: Floats) -> list[float]:
    return [float(value) for value in values.ravel()]


if __name__ == "__main__":
    sys.exit(main())
