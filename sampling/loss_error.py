"""What is wrong with a loss."""

import textwrap
from typing import Any

from torch import Tensor

FAILURES = ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError  # Python's


class LossError(ValueError):
    """In one sentence that begins with the loss's name. Whoever knows where it was given puts that before it."""

    def __init__(self, name: str, what: str):
        super().__init__(f"the loss '{name}' {what}")


def own_error(name: str, error: Exception) -> LossError:
    """What a loss of this name ended in by itself."""
    said = textwrap.shorten(f"{type(error).__name__}: {error}", 150, placeholder=" …")
    return LossError(name, f"ended in an error of its own; its pack has to mend it. (It says: {said})")


def one_each(name: str, value: Any, count: int) -> Tensor:
    """What a loss of this name gave for so many pictures, if it is real numbers `[count]`.

    Raises:
        LossError: in one sentence, for anything else.
    """
    if isinstance(value, Tensor) and value.shape == (count,) and not value.is_complex():
        return value
    given = f"values of the shape {[*value.shape]}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
    raise LossError(
        name,
        f"gives {given} for {count} pictures; it must give one number each, [{count}]: a mean over its pixels, "
        "and not over the pictures.",
    )
