"""How the farm is, for machines that watch it; reads what the rooms count, and changes nothing."""
