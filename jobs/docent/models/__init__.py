"""Load vision-language models, run them, and hide the differences between model families.

One module per family names the parts of its models: text model, connector, vision tower, image tokens. `loading` loads
base models and fine-tuned ones. Start reading at `family.py`.
"""
