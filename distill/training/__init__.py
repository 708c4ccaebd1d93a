"""segments → a trained, watched, saved model: everything that knows Lightning."""
