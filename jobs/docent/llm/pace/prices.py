"""Look up token prices: in the configuration, else in the list of well-known models.

Reads `prices.yaml` next to this module; writes nothing.
"""

import re
from dataclasses import dataclass

from docent.config.llm import Llm
from docent.resources import read_yaml

PRICES: dict[str, dict[str, float | str]] = read_yaml(__package__, "prices.yaml")
"""Price per million tokens and month of the lookup, by model."""
LISTED_BY = ("openai", "azure", "openrouter")
"""Providers whose models are in the list; the others are local servers."""
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class Prices:
    """Price of one token in USD.

    Attributes:
        noted: month in which a list price that is used was looked up (`2026-04`); "" if both prices are configured.
    """

    input_usd: float
    output_usd: float
    noted: str = ""

    def usd(self, input_tokens: float, output_tokens: float) -> float:
        """Return the price of these tokens."""
        return input_tokens * self.input_usd + output_tokens * self.output_usd


def prices_of(llm: Llm) -> Prices | None:
    """Return prices of the configured model and mode, or None if one of the two prices is not known.

    Each of the two prices is taken from the configuration if it is set there, otherwise from the list. In batch mode
    both are multiplied by `llm.batch_price`. The offline teacher costs nothing.
    """
    given = (llm.usd_per_million_input_tokens, llm.usd_per_million_output_tokens)
    listed, noted = _listed(llm)
    usd = [mine if mine is not None else theirs for mine, theirs in zip(given, listed, strict=True)]
    if usd[0] is None or usd[1] is None:
        return None
    share = (llm.batch_price if llm.mode == "batch" else 1.0) / 1e6
    return Prices(usd[0] * share, usd[1] * share, "" if None not in given else noted)


def _listed(llm: Llm) -> tuple[tuple[float | None, float | None], str]:
    """Return the list prices per million input and output tokens, and the month they are from."""
    if llm.provider == "offline":
        return (0.0, 0.0), ""
    name = llm.model.removeprefix("openai/") if llm.provider == "openrouter" else llm.model
    rows = PRICES if llm.provider in LISTED_BY else {}
    row = rows.get(name) or rows.get(_DATE.sub("", name))
    return ((float(row["input"]), float(row["output"])), str(row["noted"])) if row else ((None, None), "")
