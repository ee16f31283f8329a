"""What an operator may set: options by their names, from flags and from a file."""
