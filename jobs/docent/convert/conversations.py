"""Read conversations and their pictures in the formats of other tools.

Messages are OpenAI's `messages` (also used by LLaMA-Factory, ms-swift and TRL) or ShareGPT's `conversations`. Pictures
are parts of a message, or entries of a list in the row. In the second case, each `<image>` in a text, and each part
`{"type": "image"}` without a path, represents the next entry of the list. Videos and audio files are listed in the same
way.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from docent.messages.plurals import counted

Row = dict[str, Any]
Message = dict[str, Any]

IMAGE_LISTS = ("images", "image")
MEDIA_LISTS = {"images": "image", "image": "image", "videos": "video", "audios": "audio"}
"""Row keys that list media, with the name of the mark (`<image>`) and of the part that represent an entry."""
ROLES = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant", "observation": "tool"}
"""OpenAI's names of ShareGPT's roles; other roles keep their names."""
SYSTEM_ROLES = ("system", "developer")
_NAMED_BY = ("image_url", "image", "path", "url", "bytes")


def with_messages(row: Row) -> Row:
    """Return a ShareGPT row with `messages` in place of `conversations` and `system`; return other rows unchanged."""
    turns = row.get("conversations")
    if "messages" in row or not isinstance(turns, list):
        return row
    system = row.get("system")
    first = [{"role": "system", "content": system}] if isinstance(system, str) and system else []
    moved = {"conversations", "system"} if first or not system else {"conversations"}
    rest = {key: value for key, value in row.items() if key not in moved}
    return {"messages": [*first, *map(_message, turns)], **rest}


def _message(turn: Any) -> Any:
    if not isinstance(turn, dict) or not ("from" in turn or "value" in turn):
        return turn
    role, content = turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))
    role = ROLES.get(role.lower(), role) if isinstance(role, str) else role
    others = {key: value for key, value in turn.items() if key not in ("from", "value", "role", "content")}
    return {"role": role, "content": content, **others}


def problem_with_messages(messages: Any) -> str:
    """Return why a value is not a list of messages with roles and contents, or "" if it is one."""
    if not isinstance(messages, list) or not messages:
        return "neither messages nor a question with an answer"
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            return f"a message without role and content (message {number})"
        content = message.get("content")
        in_parts = isinstance(content, list) and all(isinstance(part, dict) for part in content)
        if not isinstance(content, str) and not in_parts:
            lacks = "tool calls and no content" if message.get("tool_calls") else "no content"
            return f"a message without role and content (message {number}, {message['role'][:40]}, has {lacks})"
    return ""


def text_of(content: Any) -> str:
    """Return the text of a message, without its pictures."""
    if isinstance(content, str):
        return content
    return "\n".join(str(part["text"]) for part in content if isinstance(part.get("text"), str))


def as_list(value: Any) -> list[Any]:
    """Return a list unchanged, a single value as a list of one, and an empty list for None or ""."""
    return value if isinstance(value, list) else [value] if value else []


def listed(row: Row, key: str = "") -> tuple[str, list[Any]]:
    """Return the key of the row's list of pictures, or "", and its entries; a single entry becomes a list of one.

    Args:
        key: another key of MEDIA_LISTS to use.
    """
    name = key or next((name for name in IMAGE_LISTS if row.get(name) is not None), "")
    entries = row.get(name)
    if entries is None:
        return ("", []) if not key else (key, [])
    return name, entries if isinstance(entries, list) else [entries]


def marks_in(content: Any, kind: str = "image") -> int:
    """Return the number of entries of the row's list that the content of a message shows."""
    mark = f"<{kind}>"
    if isinstance(content, str):
        return content.count(mark)
    texts = [text for part in parts_of(content) if isinstance(text := part.get("text"), str)]
    return stand_ins_in(content, kind) + sum(text.count(mark) for text in texts)


def stand_ins_in(content: Any, kind: str = "image") -> int:
    """Return the number of parts that represent an entry of the row's list, since they have no path themselves."""
    return sum(part.get("type") == kind and not named_by(part) for part in parts_of(content))


def shown_by_message(row: Row, key: str) -> list[int]:
    """Return for each message the number of entries that it shows of one of the row's lists.

    If the messages have as many parts without a picture as the list has entries, `<image>` in a text is plain text.
    """
    kind = MEDIA_LISTS[key]
    contents = [message.get("content") for message in row["messages"]]
    stand_ins = [stand_ins_in(content, kind) for content in contents]
    in_parts = any(stand_ins) or all(isinstance(content, list) for content in contents)
    if in_parts and sum(stand_ins) == len(listed(row, key)[1]):
        return stand_ins
    return [marks_in(content, kind) for content in contents]


def parts_of(content: Any) -> list[Row]:
    """Return the parts of a message, or none if it is plain text."""
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def mismatch(row: Row) -> str:
    """Return how the number of marks in the messages differs from the number of list entries, or "" if it does not.

    Two lists of pictures in one row must have the same number of entries.
    """
    problems = (
        difference(sum(shown_by_message(row, key)), len(listed(row, key)[1]), key, kind)
        for key, kind in MEDIA_LISTS.items()
        if row.get(key) is not None
    )
    return next(filter(None, problems), "")


def difference(marks: int, entries: int, key: str = "images", kind: str = "image") -> str:
    """Return how the number of marks differs from the number of entries in the list `key`, or "" if it does not."""
    listed = counted(entries, "entry", "entries")
    return f"{counted(marks, f'<{kind}> mark')} in the texts, but {listed} in `{key}`" if marks != entries else ""


def picture_of(part: Any) -> str:
    """Return the path or URL of the picture that a list entry or a part of a message names, or "" for none."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or "image" not in str(part.get("type", "image")):
        return ""
    shown = part.get(named_by(part))
    if isinstance(shown, dict):
        return picture_of({key: value for key, value in shown.items() if key != "type"})
    if part.get("bytes"):  # a path next to bytes is only a name, and the file need not exist
        return "data:"
    return shown if isinstance(shown, str) else ""


def named_by(part: Row) -> str:
    """Return the key with which a part of a message or a list entry names a picture, or "" if it names none."""
    return next((key for key in _NAMED_BY if part.get(key)), "")


def inline_pictures(content: Any) -> list[Row]:
    """Return the parts of a message that name a picture."""
    return [part for part in parts_of(content) if picture_of(part)]


def is_system(message: Message) -> bool:
    """Return whether a message has the role of a system or developer message."""
    return message["role"] in SYSTEM_ROLES


def turns_of(messages: Sequence[Message]) -> Iterator[list[int]]:
    """Yield the indices of the messages of each turn, which extends from a question to the next question.

    Tool calls and their results belong to the question that they serve. System messages belong to no turn. The last
    turn may have no answer.
    """
    turn: list[int] = []
    asked = answered = False
    for place, message in enumerate(messages):
        if is_system(message):
            continue
        is_question = message["role"] == "user"
        if is_question and asked and answered:
            yield turn
            turn, answered = [], False
        turn.append(place)
        asked, answered = asked or is_question, answered or message["role"] == "assistant"
    if turn:
        yield turn


def part_of(row: Row, places: Sequence[int]) -> Row:
    """Return the row with only the messages at these indices, and only the list entries that they show.

    Args:
        row: a row whose lists have as many entries as it has marks.
    """
    selected: Row = {**row, "messages": [row["messages"][place] for place in places]}
    for key in MEDIA_LISTS:
        if row.get(key) is None:
            continue
        shown = _entries_by_message(row, key)
        kept = [entry for place in places for entry in shown[place]]
        if isinstance(row[key], list):
            selected[key] = kept
        elif kept:
            selected[key] = kept[0]
        else:
            del selected[key]
    return selected


def pictures_by_message(row: Row) -> list[list[str]]:
    """Return the identities (paths, URLs) of the pictures that each message shows, inline or from the row's list."""
    key, _ = listed(row)
    entries_by_message = _entries_by_message(row, key) if key else [[] for _ in row["messages"]]
    return [
        [_identity(entry) for entry in (*inline_pictures(message["content"]), *entries)]
        for message, entries in zip(row["messages"], entries_by_message, strict=True)
    ]


def _identity(entry: Any) -> str:
    """Return the path or URL of a list entry, or the text of the complete entry if it contains the bytes."""
    name = picture_of(entry)
    return repr(entry) if name in ("", "data:") else name


def _entries_by_message(row: Row, key: str) -> list[list[Any]]:
    entries = iter(listed(row, key)[1])
    return [[next(entries) for _ in range(shown)] for shown in shown_by_message(row, key)]
