"""Load, align and count every row with LLaMA-Factory. Run by trainer_formats.py: FOLDER NAME CACHE."""

import json
import sys
from types import SimpleNamespace

from llamafactory.data.loader import _load_single_dataset
from llamafactory.data.mm_plugin import get_mm_plugin
from llamafactory.data.parser import get_dataset_list
from llamafactory.hparams import DataArguments

folder, name, cache = sys.argv[1:]
data = DataArguments(dataset=name, dataset_dir=folder, overwrite_cache=True)
(entry,) = get_dataset_list([name], folder)
model = SimpleNamespace(cache_dir=cache, hf_hub_token=None)
training = SimpleNamespace(dataloader_num_workers=0, local_process_index=0, should_log=False)
rows = _load_single_dataset(entry, model, data, training)
plugin = get_mm_plugin("base", image_token="<image>")
pictures = 0
for row in rows:
    if not row["_prompt"] or not row["_response"]:
        raise SystemExit(f"skipped as abnormal: {row}")
    images = row["_images"] or []
    plugin._validate_messages([*row["_prompt"], *row["_response"]], images, [], [])
    plugin._regularize_images(images, image_max_pixels=768 * 768, image_min_pixels=32 * 32)
    pictures += len(images)
print(json.dumps({"rows": len(rows), "pictures": pictures}))
