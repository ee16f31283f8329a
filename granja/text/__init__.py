"""What may reach a terminal, and what a name is; knows no connection."""
