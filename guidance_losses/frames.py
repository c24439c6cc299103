"""Which frames of a video are chosen, as a user writes it: "first, last", "every 8", "0, 8, 16", "4-8"."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from .input_error import InputError, shown

NUMBER = "([0-9]{1,6})"
HOW = "write first, last, all, every 8, numbers from 0 such as 0, 8, 16, or 4-8, with commas between"


class Frames(NamedTuple):
    """From `start` to `end`, every `step`-th. Negative numbers count from the video's end: −1 is the last one."""

    start: int
    end: int
    step: int = 1


WORDS = {"first": Frames(0, 0), "last": Frames(-1, -1), "all": Frames(0, -1)}


@dataclass(frozen=True)
class FrameChoice:
    """Frames of a video of any length.

    Attributes:
        parts: they are chosen by one of these.
    """

    parts: tuple[Frames, ...]

    @classmethod
    def of(cls, text: str) -> "FrameChoice":
        """What the user wrote.

        Raises:
            InputError: in one sentence, if it is no such choice.
        """
        return cls(tuple(_part(" ".join(part.lower().split())) for part in text.split(",")))

    def among(self, count: int) -> list[int]:
        """The numbers of the chosen frames of a video of so many, rising, each once.

        Raises:
            InputError: in one sentence, if the video has no such frame.
        """
        ends = [end % count if end < 0 else end for _, end, _ in self.parts]
        if max(ends) >= count:
            raise InputError(
                f"frame {max(ends)} is chosen, and the video has {count} frames, 0 to {count - 1}; choose among these."
            )
        starts = [start % count if start < 0 else start for start, _, _ in self.parts]
        steps = [step for _, _, step in self.parts]
        return sorted({frame for start, end, step in zip(starts, ends, steps) for frame in range(start, end + 1, step)})


def _part(text: str) -> Frames:
    if text in WORDS:
        return WORDS[text]
    if every := re.fullmatch(f"every {NUMBER}", text):
        step = int(every[1])
        if step:
            return Frames(0, -1, step)
    elif numbers := re.fullmatch(f"{NUMBER}(?: ?[-–] ?{NUMBER})?", text):
        start, end = int(numbers[1]), int(numbers[2] or numbers[1])
        if start <= end:
            return Frames(start, end)
    raise InputError(f"frames has {shown(text)} where frames should be; {HOW}.")
