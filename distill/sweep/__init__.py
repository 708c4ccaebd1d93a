"""settings with several values → one run for each combination, ranked by held-out error."""
