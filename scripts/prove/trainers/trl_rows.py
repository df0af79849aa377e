"""Read every row with TRL and train its SFTTrainer on them for one step. Run by trainer_formats.py: FILE MODEL OUT."""

import json
import sys

import datasets
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import SFTConfig, SFTTrainer
from trl.data_utils import is_conversational, prepare_multimodal_messages

file, model, out = sys.argv[1:]
rows = datasets.load_dataset("parquet", data_files={"train": file}, cache_dir=f"{out}/cache")["train"]
pictures = 0
for row in rows:
    if not is_conversational(row):
        raise SystemExit(f"not conversational: {row['messages'][:1]}")
    prepare_multimodal_messages(row["messages"], images=row["images"])
    pictures += len(row["images"])
settings = SFTConfig(
    output_dir=out, max_steps=1, per_device_train_batch_size=2, report_to=[], save_strategy="no", use_cpu=True,
    max_length=None, bf16=False, disable_tqdm=True,
)  # fmt: skip
trainer = SFTTrainer(
    model=AutoModelForImageTextToText.from_pretrained(model),
    args=settings,
    train_dataset=rows,
    processing_class=AutoProcessor.from_pretrained(model),
)
done = trainer.train()
print(json.dumps({"rows": len(rows), "pictures": pictures, "steps": done.global_step}))
