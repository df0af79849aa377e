"""Return example code for a data card that loads JSON files whose splits have different fields.

`load_dataset('json', ...)` infers the types of all splits from the first one. If that split has no pictures or no page
numbers, other splits that have them do not fit. The code therefore names the types. Reads and writes nothing.
"""

from docent.records import SPLITS
from docent.stages.build_dataset.tally import Tally

_CHAT = """chat = load_dataset(
    "json",
    data_files={{{chat}}},
    features=Features(
        {{"messages": [{{"role": text, "content": [{{"type": text, "text": text}}]}}], "images": [text]}}
    ),
)"""
_CONVERSATIONS = """conversations = load_dataset(
    "json",
    data_files={{{conversations}}},
    features=Features(
        {{
            "messages": [{{"role": text, "content": [part]}}],
            "question_type": text,
            "difficulty": text,
            "conversation": text,
            "source": [source],
        }}
    ),
)"""
_SOURCE = """number = Value("int64")
part = {"type": text, "text": text, "image_url": {"url": text, "detail": text}}
source = {"file": text, "first_line": number, "last_line": number, "page": number}"""


def typed_loading(tally: Tally) -> list[str]:
    """Return Markdown lines with the code, or [] if pictures and pages are either in all splits or in none."""
    with_rows = [split for split in SPLITS if tally.of_split(split)]
    pictured = {bool(tally.pictures[split]) for split in with_rows}
    paged = {tally.paged[split] for split in with_rows}
    if len(pictured) < 2 and len(paged) < 2:
        return []
    files = {
        "chat": ", ".join(f'"{split}": "chat-{split}.jsonl"' for split in with_rows),
        "conversations": ", ".join(f'"{split}": "conversations-{split}.json"' for split in with_rows),
    }
    code = ['text = Value("string")', _SOURCE]
    if len(pictured) == 2:
        code.append(_CHAT.format(**files))
    code.append(_CONVERSATIONS.format(**files))
    what = " or ".join(name for name, kinds in (("pictures", pictured), ("pages or sheets", paged)) if len(kinds) == 2)
    return [
        "",
        f"Not every split has {what}, and `load_dataset('json', ...)` takes all types from the first split unless they "
        "are given:",
        "",
        "```python",
        "from datasets import Features, Value, load_dataset",
        "",
        *code,
        "```",
    ]
