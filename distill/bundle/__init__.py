"""trained weights + health + history → one safe `.distillgan` file → a ready model."""
