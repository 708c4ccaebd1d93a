"""Codes → codes: what a model may bring to make new sounds."""
