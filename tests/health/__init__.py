"""How the farm is, for machines that watch it."""
