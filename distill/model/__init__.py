"""waveform (B, 1, T) → log-mel (B, 1, M, F) → codes (B, N, L) → log-mel: torch only, no files."""
