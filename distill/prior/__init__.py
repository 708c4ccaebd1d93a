"""codes → new codes: the part of a model that makes new sounds; torch only."""
