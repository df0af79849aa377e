"""One adapter module per model family: where text, connector, vision and image tokens are."""
