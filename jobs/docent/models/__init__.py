"""Adapt vision-language model families: where text, connector, vision tower and image tokens are.

One adapter module per family; `loading` loads a base model and what fine-tuning made of it.
Start reading at `family.py`.
"""
