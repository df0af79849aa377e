"""A new data card meets the one on the hub, which a person may have edited."""

from __future__ import annotations

import pytest

from docent.stages.build_dataset.hub.card_merge import digests, merge, parse

OURS = """---
pretty_name: "Forms"
license: "mit"
tags:
- synthetic
---

# Forms

About them.

## Statistics

| a | b |
| --- | --- |

## Files

```python
# no heading
```
"""
WITHOUT_FILES = OURS[: OURS.index("## Files")].rstrip() + "\n"


def test_a_card_that_nobody_edited_comes_out_as_it_is_to_the_byte() -> None:
    assert merge(OURS, "", {}).text == OURS
    assert merge(OURS, OURS, digests(OURS)).text == OURS
    newer = OURS.replace("About them.", "More about them.")
    assert merge(newer, OURS, digests(OURS)) == merge(newer, "", {})


def test_the_spelling_of_the_editor_of_the_hub_is_no_edit() -> None:
    there = OURS.replace('"mit"', "mit").replace("- synthetic", "  - synthetic").replace("\n", "\r\n")
    assert merge(OURS, there, digests(OURS)).text == there, "the same parts: nothing to commit"
    assert merge(OURS.replace("mit", "odbl"), there, digests(OURS)).notes == ()


@pytest.mark.parametrize(
    "by_hand", ["\n## Citation\n\nCite us.\n", "\n### Notes\n\nOf 1950.\n\n## Thanks\n\nTo all.\n"]
)
def test_sections_and_keys_that_docent_does_not_write_stay_where_they_are(by_hand: str) -> None:
    there = OURS.replace("\n## Files", f"{by_hand}\n## Files").replace("tags:", "license_link: x\ntags:")
    merged = merge(OURS.replace("| a | b |", "| c | d |"), there, digests(OURS))
    assert by_hand.strip() in merged.text and "| c | d |" in merged.text and "| a | b |" not in merged.text
    assert merged.text.index("Statistics") < merged.text.index(by_hand.strip()) < merged.text.index("## Files")
    assert merged.text.index("license:") < merged.text.index("license_link: x") < merged.text.index("tags:")
    assert merged.notes == ()


def test_what_only_a_person_changed_stays_and_what_both_changed_is_replaced_and_named() -> None:
    there = OURS.replace('"Forms"', "Our forms").replace("About them.", "About them, by hand.")
    kept = merge(OURS, there, digests(OURS))
    assert "Our forms" in kept.text and "by hand" in kept.text and kept.notes == ()
    both = merge(OURS.replace("About them.", "New."), there, digests(OURS))
    assert "New." in both.text and "by hand" not in both.text
    assert "About them, by hand." in both.notes[0]
    assert "Our forms" in both.text


def test_without_a_record_of_the_last_push_the_new_card_counts_and_the_old_text_is_named() -> None:
    merged = merge(OURS, "# A title\n\nWritten by hand.\n\n## Citation\n\nCite us.\n", {})
    assert "About them." in merged.text and "Cite us." in merged.text
    assert "Written by hand." in merged.notes[0]


def test_a_section_that_docent_no_longer_writes_goes_unless_a_person_changed_it() -> None:
    assert "## Files" not in merge(WITHOUT_FILES, OURS, digests(OURS)).text
    edited = OURS.replace("# no heading", "# mine")
    assert "# mine" in merge(WITHOUT_FILES, edited, digests(OURS)).text


def test_a_new_title_replaces_the_old_one() -> None:
    merged = merge(OURS.replace("# Forms", "# Shapes"), OURS, digests(OURS))
    assert "# Shapes" in merged.text and "# Forms" not in merged.text


def test_headings_in_code_and_equal_headings_are_told_apart() -> None:
    card = parse("## A\n\n1\n\n## A\n\n2\n\n```\n# code\n```\n")
    assert list(card.body) == ["section ## A", "section ## A (2)"]
    assert "# code" in card.body["section ## A (2)"]


def test_a_head_that_is_no_yaml_is_replaced_and_named() -> None:
    broken = '---\ntags: [a\nlicense: "mit\n---\n# Mine\n'
    merged = merge(OURS, broken, {})
    assert merged.text.startswith(OURS[:40])
    assert "was not valid YAML and was replaced: tags: [a" in merged.notes[0]
    assert merge(OURS, "---\nno end", {}).text.startswith(OURS[:40])
