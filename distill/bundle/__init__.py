"""A trained model ↔ its `.distillgan` file."""

SUFFIX = ".distillgan"
