"""waveform ↔ codes ↔ waveform, with a trained model."""
