"""Write and check chat files for named trainers: `docent convert chat --for` and `docent validate --for`.

One module per trainer holds its file format and rules; docs/trainers.md names the sources of the rules. Start reading
at `trainer.py`, then `convert.py`.
"""

from docent.convert.trainers.llama_factory import LLAMA_FACTORY
from docent.convert.trainers.ms_swift import MS_SWIFT
from docent.convert.trainers.openai import OPENAI
from docent.convert.trainers.trainer import Trainer
from docent.convert.trainers.trl import TRL

TRAINERS: dict[str, Trainer] = {
    "openai": OPENAI,
    "trl": TRL,
    "llama-factory": LLAMA_FACTORY,
    "ms-swift": MS_SWIFT,
}
