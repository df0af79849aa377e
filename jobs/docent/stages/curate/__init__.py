"""Stage curate: keep, mark or reject every pair, with the reason.

Reads the pairs of `generate-qa`, one chunk at a time, and the items of `assemble` that they are about; writes `QAPair`
rows with a verdict, `funnel.json`, `diversity.json` and, if people decided on pairs, `review.json`.
Run alone: `docent stage curate --config pipeline.yaml --run-dir runs/demo`.
Start reading at `gates/gates.py`, which lists the gates.
"""

import logging
from collections.abc import Iterable, Iterator
from itertools import islice

from docent.artifacts.summaries import ReviewSummary
from docent.config.stages import Curate
from docent.context import Context
from docent.errors import InputError
from docent.records import Item, QAPair, Reject
from docent.stages.curate.diversity import Diversity, Funnel, as_json
from docent.stages.curate.gates.cases import Case
from docent.stages.curate.gates.duplicates import Embedder, Kept
from docent.stages.curate.gates.gates import judge
from docent.stages.curate.gates.retrieval import Retrieval
from docent.stages.curate.gates.sources import Source, Sources
from docent.stages.curate.review.edits import Edits

log = logging.getLogger("docent.curate")

CHUNK = 512
"""Number of pairs that are embedded together."""
MAX_LINES_NAMED = 10


class GateSet:
    """Judges pairs with the configured gates."""

    def __init__(self, section: Curate, items: Iterable[Item], threads: int = 1) -> None:
        """Index the items, and load the encoder and the search index if a configured gate needs them."""
        self.section = section
        self.sources = Sources(items)
        self.kept = Kept(section)
        self._embedder = Embedder(threads) if section.embedding_similarity is not None else None
        self._retrieval: Retrieval | None = None
        if section.round_trip_rank is not None:
            sections = [item for item in self.sources.items if item.kind == "section"]
            self._rows = {item.id: row for row, item in enumerate(sections)}
            self._retrieval = Retrieval([item.text for item in sections])

    def judge(self, pairs: list[QAPair]) -> Iterator[QAPair | Reject]:
        """Yield a verdict on every pair of a chunk, in order.

        Raises:
            InputError: a pair is about an item that `assemble` does not have.
        """
        vectors = self._embedder.vectors(pairs) if self._embedder else [None] * len(pairs)
        for pair, vector in zip(pairs, vectors, strict=True):
            source = self.sources.of(pair)
            if source is None:
                raise InputError(
                    f"pair {pair.id} refers to an unknown item", pair.item_name, "docent run --from assemble"
                )
            yield judge(Case(pair, source, self.kept, self.section, self._rank(pair, source), vector))

    def _rank(self, pair: QAPair, source: Source) -> int | None:
        """Return the rank of the pair's sections for its question, or None if the pair is not ranked.

        Later turns of a conversation are not ranked, because they refer to earlier turns.
        """
        if self._retrieval is None or source.own.kind != "section" or (pair.conversation and pair.index):
            return None
        return self._retrieval.rank(
            pair.question, [self._rows[item.id] for item in source.items if item.id in self._rows]
        )


def run(ctx: Context) -> Iterator[QAPair | Reject]:
    """Yield every pair with its verdict, in the order of the pairs.

    Raises:
        ConfigError: a package that a gate needs is not installed.
        InputError: a pair is about an unknown item, or the file of decisions cannot be used.
    """
    section: Curate = ctx.section
    edits = Edits(section.edits)
    gate_set = GateSet(section, ctx.stream(Item), ctx.config.run.threads)
    funnel, diversity = Funnel(), Diversity()
    total, done = ctx.count(QAPair), 0
    pairs = ctx.pairs()
    while chunk := list(islice(pairs, CHUNK)):
        for pair, verdict in zip(chunk, _verdicts(chunk, gate_set, edits), strict=True):
            funnel.add(pair, verdict)
            if isinstance(verdict, QAPair):
                diversity.add(verdict)
            done += 1
            yield verdict
            ctx.progress.update(done, total, pair.item_name)
    if edits.unused:
        named = ", ".join(map(str, edits.unused[:MAX_LINES_NAMED]))
        log.warning("%s: %d decisions refer to pairs that do not exist: lines %s", edits.path, len(edits.unused), named)
    if section.edits is not None:
        ctx.output_summary(ReviewSummary(**edits.figures()))
    ctx.output_file("funnel.json", as_json({**funnel.figures(), "decisions_without_pair": len(edits.unused)}))
    ctx.output_file("diversity.json", as_json(diversity.figures()))


def _verdicts(chunk: list[QAPair], gate_set: GateSet, edits: Edits) -> Iterator[QAPair | Reject]:
    """Yield a verdict on every pair of the chunk, in order; the gates only judge pairs that no person rejected."""
    wanted = [edits.apply(pair, gate_set.section.require_approval) for pair in chunk]
    judged = gate_set.judge([pair for pair in wanted if isinstance(pair, QAPair)])
    for pair in wanted:
        yield next(judged) if isinstance(pair, QAPair) else pair
