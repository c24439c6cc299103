"""The embedded models: weights with their cards, and the code that made them."""
