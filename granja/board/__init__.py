"""What is said, to everybody at once; knows no trade and nobody's name."""
