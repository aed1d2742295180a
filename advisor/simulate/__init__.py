"""Usage in physical units: what plans consume, with no money in it."""
