"""What moderators may do to whom, and for how long; knows people, not connections."""
