"""waveform → codes → waveform, for any length with constant memory."""

CODES_SUFFIX = ".distillcodes"
AUDIO_FORMATS = ("wav", "flac", "ogg", "mp3")
"""Formats in which sounds can be written."""
MOST_EFFORT = 2
"""Of the search for the codes of a sound; the least is 0."""
