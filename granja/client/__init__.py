"""The terminal client: another way in, which knows the wire and nothing of the market."""

from granja.client.start import main

__all__ = ["main"]
