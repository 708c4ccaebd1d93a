"""the kinds of quantizer."""
