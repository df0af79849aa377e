"""Load every row with ms-swift and match each <image> to its picture. Run by trainer_formats.py: FILE."""

import json
import sys

from swift.dataset import load_dataset
from swift.template import Template
from swift.template.template_inputs import StdTemplateInputs
from swift.template.vision_utils import load_image

rows, _ = load_dataset(sys.argv[1], strict=True, num_proc=1)
pictures = 0
for row in rows:
    paths = [image["path"] for image in row.get("images") or []]
    inputs = StdTemplateInputs.from_dict({**row, "images": paths})
    before = [message["content"] for message in inputs.messages]
    if inputs.is_multimodal:
        Template._add_default_tags(inputs)
    if [message["content"] for message in inputs.messages] != before:
        raise SystemExit(f"marks and pictures differ in number: {before}")
    if any(load_image(path).mode != "RGB" for path in paths):
        raise SystemExit(f"not RGB: {paths}")
    pictures += len(paths)
print(json.dumps({"rows": len(rows), "pictures": pictures}))
