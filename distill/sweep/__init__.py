"""several runs at once: what became of each, and which was best."""
