"""QR codes as readers find them, by zxing-cpp, which guidance never saw."""

from collections.abc import Iterator

import numpy as np
import zxingcpp
from PIL import Image, ImageFilter

ENLARGED = 4  # times, as a picture is shown before a phone sees it
SCALES = (2, 8)
ANGLES = (10, 45, 90, 180)  # degrees
BLURS = (1, 2)  # standard deviation in pixels of the picture as it is enlarged
AROUND = (128, 128, 128)  # what a turned picture lies on


def views(picture: np.ndarray) -> Iterator[Image.Image]:
    """A picture `[H, W, 3]`, uint8, as it may be seen: first enlarged, then in other sizes, turned, and blurred."""
    sizes = [
        Image.fromarray(picture).resize((scale * picture.shape[1], scale * picture.shape[0]), Image.Resampling.BICUBIC)
        for scale in (ENLARGED, *SCALES)
    ]
    yield from sizes
    for angle in ANGLES:
        yield sizes[0].rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=AROUND)
    for std in BLURS:
        yield sizes[0].filter(ImageFilter.GaussianBlur(std))


def reads(view: Image.Image, text: str) -> bool:
    """Whether the reader finds a QR code that says this."""
    found = zxingcpp.read_barcodes(np.asarray(view.convert("L")))
    return text in [code.text for code in found]
