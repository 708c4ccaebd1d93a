"""sound files → checked collection → cached waveforms → leak-free sides → segments (B, 1, T)."""
