"""several runs: how each ended, and which was best."""
