"""Define a step of "What to do next", and the data that steps are derived from."""

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
    """One suggestion: a text that gives the reason and the action, and its commands."""

    text: str
    commands: tuple[str, ...] = ()


def collection_place(ctx: Context) -> str:
    """Return where to put `collection.yaml`, as `in FOLDER`, or "" if no source of the run can have one."""
    sources = ctx.config.ingest.sources if ctx.config.ingest else ()
    folders = [s.path.parent if s.kind == "exhibits-csv" else s.path for s in sources]
    if not any(s.kind == "exhibits-csv" or not s.path.suffix for s in sources):
        return ""
    known = len(folders) == 1 and not folders[0].is_absolute()
    return f"in {folders[0].as_posix()}" if known else "in the folder of the material"


@dataclass(frozen=True)
class Known:
    """The data of a run that next steps are derived from, and the builder of its commands.

    Attributes:
        confused: name of the model that has the `confusions`, or "".
        ended: for each model, how many answers were cut.
        named_after_path: whether the page's title is only the name of a folder or file.
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
        """Return the clause `, which trains again` if the run trains models, or else ""."""
        return ", which trains again" if self.training else ""

    @property
    def offline(self) -> bool:
        """Whether the offline teacher wrote any pairs."""
        return OFFLINE_TEACHER in self.evidence.teachers
