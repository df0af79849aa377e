"""Train docent-tiny: draw random shapes, pretrain a small Idefics2 on them, write `samples/docent-tiny`.

`scripts/studio.py` draws the pictures; the English text ships with Python and with WordNet 3.0 (Debian:
`apt-get install wordnet-base`). Writes the model folder, and a cache of pictures and checkpoints (by default in the
temporary folder), from which a stopped run resumes.

Run it from the repository:

    python scripts/train-docent-tiny.py                      # the published model
    python scripts/train-docent-tiny.py --quick --out /tmp/t # two minutes, to test this script
    python scripts/train-docent-tiny.py --check-museum samples/museum/images   # only measure the saved model

Two runs with one seed agree to rounding unless a stage reaches its time limit.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from transformers import Idefics2Processor

from docent_tiny.batches import Pictures, to_pixels
from docent_tiny.captions import english_sentences, tokenizer_corpus
from docent_tiny.language import Language, LanguageStage
from docent_tiny.model import SIDE_PX, build_model, save_folder, train_processor, whiten_patches
from docent_tiny.shapes import render_shapes
from docent_tiny.training import Stage, Trainer

REPOSITORY = Path(__file__).resolve().parents[1]
ENGLISH_SENTENCES = 6000
WHITENING_PICTURES = 1500

VISION = Stage(
    name="vision", steps=1800, minutes=20, shapes_per_step=64, text_rows=0,
    family_weight=1.0, look_weight=0.6, contrast_weight=1.0,
    muon_vision=0.02, muon_rest=0.02, adam_vision=1.5e-3, adam_rest=1.5e-3,
)  # fmt: skip
JOINT = Stage(
    name="joint", steps=900, minutes=14, shapes_per_step=64, text_rows=24,
    family_weight=0.7, look_weight=0.4, contrast_weight=0.7,
    muon_vision=0.012, muon_rest=0.02, adam_vision=8e-4, adam_rest=2e-3,
)  # fmt: skip


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "samples" / "docent-tiny")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "docent-tiny")
    parser.add_argument("--shapes", type=int, default=20_000, help="training shapes, four pictures each")
    parser.add_argument("--held-out", type=int, default=500, help="further shapes, only for the retrieval test")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="folder of data.noun")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a few dozen steps on a few hundred shapes")
    parser.add_argument("--fresh", action="store_true", help="ignore the checkpoint in the cache")
    parser.add_argument("--check-museum", type=Path, metavar="IMAGES", help="measure the saved model; train nothing")
    return parser.parse_args()


def assert_same_pixels(processor: Idefics2Processor, picture: np.ndarray) -> None:
    """Stop if the tensors that training builds differ from those of the saved processor."""
    expected = processor.image_processor(picture, return_tensors="pt")["pixel_values"][0, 0]
    torch.testing.assert_close(to_pixels(torch.from_numpy(picture[None].copy()))[0], expected)


def pretrain(arguments: argparse.Namespace) -> dict:
    """Train all stages, write the model folder and return the measurements."""
    if not (arguments.wordnet / "data.noun").is_file():
        raise SystemExit(f"no data.noun in {arguments.wordnet}: apt-get install wordnet-base, or --wordnet FOLDER")
    begin, cache = time.monotonic(), arguments.cache / ("quick" if arguments.quick else "full")
    stages, shapes, held_out = [VISION, JOINT], arguments.shapes, arguments.held_out
    language = Language()
    if arguments.quick:
        stages = [
            replace(stage, steps=20, shapes_per_step=16, text_rows=stage.text_rows // 4, warm_up_steps=5)
            for stage in stages
        ]
        shapes, held_out = 150, 50
        language = Language(steps=20, shapes_per_step=16, dictionary_rows=6, caption_rows=4, warm_up_steps=5)
    images, labels = render_shapes(cache / "shapes", shapes + held_out, SIDE_PX, arguments.seed, arguments.threads)
    rendered_s = time.monotonic() - begin
    english = english_sentences(ENGLISH_SENTENCES, arguments.seed)
    processor = train_processor(tokenizer_corpus(english, arguments.seed))
    assert_same_pixels(processor, images[0, 0])
    model = build_model(processor)
    whiten_patches(model, to_pixels(torch.from_numpy(images[:WHITENING_PICTURES, 0].copy())))
    pictures = Pictures(images, labels, held_out)
    trainer = Trainer(model, processor, pictures, english, arguments.seed)
    untrained, chance = trainer.retrieval_accuracy()
    report: dict = {
        "shapes": shapes,
        "render_seconds": round(rendered_s),
        "retrieval": {"chance": chance, "untrained": untrained},
    }
    for stage in stages:
        report[stage.name] = train_stage(trainer, stage, cache, arguments.fresh)
        report["retrieval"][stage.name] = trainer.retrieval_accuracy()[0]
        print(json.dumps(report), file=sys.stderr, flush=True)
    report["language"] = LanguageStage(model, processor, pictures, arguments.wordnet).run(language, arguments.seed)
    save_folder(model, processor, arguments.out)
    report["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    report["seconds"] = round(time.monotonic() - begin)
    return report


def train_stage(trainer: Trainer, stage: Stage, cache: Path, fresh: bool) -> dict[str, float]:
    """Train one stage, resuming from its checkpoint unless `fresh` is set."""
    checkpoint = cache / f"{stage.name}.pt"
    if fresh:
        checkpoint.unlink(missing_ok=True)
    trainer.model.train()
    measured = trainer.run_stage(stage, checkpoint)
    trainer.model.eval()
    return measured


def main() -> None:
    """Train, or measure the saved model."""
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    if arguments.check_museum:
        from docent_tiny.museum_check import check_museum

        report = check_museum(arguments.out, arguments.check_museum, arguments.seed)
    else:
        report = pretrain(arguments)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
