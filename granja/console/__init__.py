"""What an operator asks of a running farm, through a socket of its own."""
