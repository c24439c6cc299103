"""What is said of what the user gave."""


class InputError(ValueError):
    """In one sentence: what is wrong, and what to do. Whoever knows where it was given puts that before it."""
