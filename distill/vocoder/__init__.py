"""mel → waveform; torch only."""
