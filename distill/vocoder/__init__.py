"""Mel → waveform."""
