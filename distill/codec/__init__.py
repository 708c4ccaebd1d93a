"""Waveform → codes → waveform, of any length at constant memory."""

CODES_SUFFIX = ".distillcodes"
AUDIO_FORMATS = ("wav", "flac", "ogg", "mp3")
"""That can be written."""
