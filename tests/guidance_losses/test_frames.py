"""Which frames a text chooses."""

import pytest

from guidance_losses import FrameChoice, InputError

COUNT = 17


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("first", [0]),
        ("last", [16]),
        ("First,  LAST", [0, 16]),
        ("all", list(range(COUNT))),
        ("every 8", [0, 8, 16]),
        ("every  5", [0, 5, 10, 15]),
        ("every 100", [0]),
        ("16, 0, 8", [0, 8, 16]),
        ("4-8", [4, 5, 6, 7, 8]),
        ("4 - 6, 5, last", [4, 5, 6, 16]),
        ("3–3", [3]),
    ],
)
def test_what_a_text_chooses(text, frames):
    assert FrameChoice.of(text).among(COUNT) == frames


@pytest.mark.parametrize(
    "text",
    ["", ",", "0,,8", "second", "every", "every 0", "8-4", "-1", "1.5", "0 8", "٣", "9" * 5000, "all but 3", "1-2-3"],
)
def test_anything_else_is_refused_in_one_sentence(text):
    with pytest.raises(InputError, match="write first, last, all, every 8") as refused:
        FrameChoice.of(text)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize("text", ["17", "first, 20", "4-999999"])
def test_frames_that_the_video_does_not_have_are_refused(text):
    with pytest.raises(InputError, match="and the video has 17 frames, 0 to 16"):
        FrameChoice.of(text).among(COUNT)
