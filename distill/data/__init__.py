"""sound files → checked collection → cached waveforms → training and held-out side → segments
(B, 1, T).
"""
