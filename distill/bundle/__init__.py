"""The file that a trained model is, and the library of them."""

SUFFIX = ".distillgan"
