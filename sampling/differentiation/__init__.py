"""Gradients through networks that were never meant for it: ways to get them, and what they cost."""
