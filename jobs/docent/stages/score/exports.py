"""Format answers and scores as CSV for people and spreadsheets; no stage reads these files.

Texts that a spreadsheet would evaluate as formulas get a leading apostrophe;
docent.text.encodings.spreadsheet.unguarded removes it.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from docent.records import Answer, Example, Score
from docent.tables import METRICS
from docent.text.encodings.spreadsheet import guarded

ANSWER_COLUMNS = (
    "data_id",
    "item_name",
    "image_name",
    "user_question",
    "model_generated_answer",
    "ground_truth_answer",
    "ended",
)
SCORE_COLUMNS = ("arm", "data_id", "item_name", "image_name", *METRICS)


def answers_csv(answers: Iterable[Answer], tests: Mapping[str, Example]) -> bytes:
    """Return the answers of one arm as CSV with the columns of the published result files, but no row of averages.

    The added last column, `ended`, has the reason why generation ended, `stop` or `length`; it is empty if no model
    generated the answer.
    """
    rows = ((tests[a.example_id].data_id, a) for a in answers)
    return _csv(
        ANSWER_COLUMNS,
        ([number, a.item_name, a.image_name, a.question, a.answer, a.reference, a.ended or ""] for number, a in rows),
    )


def scores_csv(scores: Iterable[Score], tests: Mapping[str, Example]) -> bytes:
    """Return the scores as CSV with one line per answer; a metric without a value is an empty cell."""
    values = (
        [s.arm, test.data_id, s.item_name, test.image_name, *(s.metrics.get(name, "") for name in METRICS)]
        for s, test in ((s, tests[s.example_id]) for s in scores)
    )
    return _csv(SCORE_COLUMNS, values)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode()
