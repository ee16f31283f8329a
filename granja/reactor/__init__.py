"""Granja's ways with Twisted: turns and timers, reading, sending, TLS that closes by halves."""
