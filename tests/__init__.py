"""Granja's tests.  ``pytest`` and ``python -m twisted.trial tests`` run the same ones."""
