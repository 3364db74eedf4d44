"""Thin adapters around the ordering domain: each translates, calls the core, and translates back."""
