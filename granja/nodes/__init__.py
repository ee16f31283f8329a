"""Several nodes as one farm: what is said, who is here, and what one node asks of another."""
