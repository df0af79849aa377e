"""Define a step of "What to do next", and what steps are derived from. Reads nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docent.context import Context
from docent.source_files.collection import SourceNames
from docent.stages.report.inputs.answers import Confusion
from docent.stages.report.inputs.funnel import Funnel
from docent.stages.report.inputs.generation import Ended
from docent.stages.report.inputs.training import Curve
from docent.stages.report.runcard import Gap
from docent.stages.report.sentences.cautions import OFFLINE_TEACHER
from docent.stages.report.sentences.findings import Evidence
from docent.stages.report.steps.commands import Commands


@dataclass(frozen=True)
class NextStep:
    """One thing to do: why and what, then the commands for it."""

    text: str
    commands: tuple[str, ...] = ()


def collection_place(ctx: Context) -> str:
    """Say where `collection.yaml` is read from; "" where no source of the run has a place for it."""
    sources = ctx.config.ingest.sources if ctx.config.ingest else ()
    folders = [s.path.parent if s.kind == "exhibits-csv" else s.path for s in sources]
    if not any(s.kind == "exhibits-csv" or not s.path.suffix for s in sources):
        return ""
    known = len(folders) == 1 and not folders[0].is_absolute()
    return f"in {folders[0].as_posix()}" if known else "in the folder of the material"


@dataclass(frozen=True)
class Known:
    """What is known of the run, and how commands for it are written.

    Attributes:
        confused: the model that `confusions` are of.
        ended: how the answers of each model ended.
        named_after_path: whether the page has no title but the name of a folder or file.
    """

    ctx: Context
    commands: Commands
    evidence: Evidence
    funnel: Funnel
    training: Sequence[Curve]
    gaps: Sequence[Gap]
    sources: Sequence[SourceNames]
    confusions: Sequence[Confusion]
    confused: str = ""
    ended: Sequence[Ended] = ()
    named_after_path: bool = False

    @property
    def again(self) -> str:
        """What a run after a change of the material does beside the data, to go on after a verb; "" without models."""
        return ", which trains again" if self.training else ""

    @property
    def offline(self) -> bool:
        """Whether the offline teacher wrote pairs."""
        return OFFLINE_TEACHER in self.evidence.teachers
