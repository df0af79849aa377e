"""Texts: sentences, numbers."""
