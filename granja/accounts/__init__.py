"""Passwords: how they are stored and checked, and in which order; knows no connection."""
