"""Networks that losses look at pictures with, and the loaders of their files."""
