"""what a run leaves on the disk, read and written without torch: folder, progress rows, summary."""
