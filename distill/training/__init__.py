"""segments → a trained and saved model: the only package, with data/datamodule, that uses
Lightning.
"""
