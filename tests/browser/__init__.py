"""A package, so that its host and its browser end with the last of its tests."""
