"""Compares Granja's costs with those of other servers: ``python -m benchmarks``, see
``README.md``."""
