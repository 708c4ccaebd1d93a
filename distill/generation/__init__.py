"""a request → new sounds: plans, what is known, drawing, finishing."""
