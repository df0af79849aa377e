"""One chat client for every stage that asks a model: providers, journal, replies."""
