"""What commands do with artifacts, and who hears of it; knows people, not connections."""
