"""Weights that the host fetches by itself: every file by its size and SHA-256, all of them in one step."""
