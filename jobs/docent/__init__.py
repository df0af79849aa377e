"""docent: raw exhibits in, a vision-language model that knows them out, with proof."""

__version__ = "0.1.0"
