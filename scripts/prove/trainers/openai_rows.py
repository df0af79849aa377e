"""Validate every message of a file against the types of the `openai` package. Run by trainer_formats.py: FILE."""

import json
import sys
from pathlib import Path

from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter

message = TypeAdapter(ChatCompletionMessageParam)
rows = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
for row in rows:
    for one in row["messages"]:
        parsed = message.validate_python(one)
        if not isinstance(parsed["content"], str):
            list(parsed["content"])  # an iterable is checked where it is read
print(json.dumps({"rows": len(rows)}))
