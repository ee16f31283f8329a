"""Granja's tests: ``tests/`` mirrors the house, a folder for each room."""

from hypothesis import settings

# How long an example takes says something of the machine, not of Granja.
settings.register_profile("granja", deadline=None)
settings.load_profile("granja")
