"""What is said of what the user gave."""

import reprlib
import textwrap
from collections.abc import Iterable

MOST_SHOWN, MOST_LISTED = 60, 200  # letters of a value, and of several names


class InputError(ValueError):
    """In one sentence: what is wrong, and what to do.

    Attributes:
        place: the name, which the user sees, of the node where it was given; it stands before the sentence. None: not
            known here.
    """

    def __init__(self, sentence: str, place: str | None = None):
        super().__init__(f"{place}: {sentence}" if place else sentence)
        self.place = place

    def at(self, place: str) -> "InputError":
        """The same, said of this place, unless a place is known already."""
        if not self.place:
            return InputError(str(self), place)
        placed = InputError(str(self))
        placed.place = self.place
        return placed


def shown(value: object) -> str:
    """A value of any kind as a message shows it: in one line, and of a long one its beginning and end."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = MOST_SHOWN
    try:
        return " ".join(short.repr(value).split())
    except ValueError:  # Python writes no number of thousands of digits
        return f"a {type(value).__name__}"


def enumeration(names: Iterable[object]) -> str:
    """Names in a row with commas between, of many the first."""
    return textwrap.shorten(", ".join(map(str, names)), MOST_LISTED, placeholder=" …")
