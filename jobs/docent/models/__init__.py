"""Load vision-language models and run them: one adapter module per model family.

An adapter module names the parts of its family's models: text model, connector, vision tower, image tokens.
`loading` loads base models and fine-tuned ones. Start reading at `family.py`.
"""
