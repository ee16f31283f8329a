"""What Granja costs beside other servers: ``python -m benchmarks``, see ``README.md`` here."""
