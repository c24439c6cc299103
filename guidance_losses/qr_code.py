"""QR code: a reader finds the code's modules dark and light on the picture, which otherwise is free.

Liao et al., "DiffQRCoder", WACV 2025, arXiv 2409.06355: a module's grey value is a Gaussian mean of its pixels, as a
reader looks at its centre, and a module that reads right already is asked nothing more. Codes are those of ISO 18004.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .input_error import InputError
from .loss import luminance, norm, repeat_reference
from .packages import needed_packages

ERROR_CORRECTION = {"low (7 %)": "l", "medium (15 %)": "m", "quartile (25 %)": "q", "high (30 %)": "h"}
SIDES = range(21, 178, 4)  # modules of versions 1 to 40
FINDER = 7  # modules of each of the three squares that a reader looks for
LEAST_MODULE = 2  # pixels: a reader needs so many
SPREAD = 1 / 4  # standard deviation of the Gaussian, as a share of the module
WRONG = 0.05  # share of the modules of a clean picture that are half dark, half light

NO_CODE = (
    "no QR code was found on the picture, which must show nothing else, dark on light, upright and sharp; make it with "
    "the QR Code node."
)


def qr_modules(text: str, error_correction: str) -> Tensor:
    """The smallest QR code of a text: `[n, n]`, 1 where it is dark.

    Args:
        error_correction: one of l, m, q, h; a higher one is taken where the code stays as small.

    Raises:
        InputError: in one sentence, if there can be no such code.
    """
    with needed_packages():
        import segno

    if not text:
        raise InputError("the text is empty; write what the code shall say, an address for instance.")
    try:
        code = segno.make_qr(text, error=error_correction)
    except segno.DataOverflowError as error:
        raise InputError("the text is too long for a QR code; shorten it, or lower the error correction.") from error
    return torch.tensor([list(row) for row in code.matrix], dtype=torch.float32)


def code_picture(modules: Tensor, module_size: int, margin: int) -> Tensor:
    """Codes `[N, n, n]` in black on white with a light margin of so many modules: `[N, 3, h, w]`."""
    light = 1 - F.pad(modules, [margin] * 4)
    return light.repeat_interleave(module_size, 1).repeat_interleave(module_size, 2)[:, None].expand(-1, 3, -1, -1)


def read_modules(picture: Tensor) -> Tensor:
    """The modules on a clean picture of a code: `[3, h, w]` in [0, 1] → `[n, n]`, 1 where it is dark.

    Raises:
        InputError: if there is no such code.
    """
    dark = luminance(picture)[0] < 0.5
    rows, columns = (dark.any(dim).nonzero().flatten() for dim in (1, 0))
    if not len(rows):
        raise InputError(NO_CODE)
    code = dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].float()
    corner = code[0].cumprod(0).sum()  # pixels of the upper left square's upper side
    side = round(float(FINDER * code.shape[1] / corner)) if corner else 0
    if side not in SIDES or min(code.shape) < side:
        raise InputError(NO_CODE)
    share = F.adaptive_avg_pool2d(code[None], side)[0]
    modules = (share > 0.5).float()
    if not has_squares(modules) or ((share > 0.25) & (share < 0.75)).float().mean() > WRONG:
        raise InputError(NO_CODE)
    return modules


def has_squares(modules: Tensor) -> bool:
    """Whether the three squares are in their corners, `[n, n]`."""
    ring = torch.ones(FINDER, FINDER)
    ring[1:-1, 1:-1] = 0
    ring[2:-2, 2:-2] = 1
    corners = modules[:FINDER, :FINDER], modules[:FINDER, -FINDER:], modules[-FINDER:, :FINDER]
    return all(torch.equal(corner, ring) for corner in corners)


def centre_weights(size: int) -> Tensor:
    """Of the pixels of a module, `[size, size]`, sum 1."""
    places = torch.arange(size) - (size - 1) / 2
    line = torch.exp(-((places / (SPREAD * size)) ** 2) / 2)
    return torch.outer(line, line) / line.sum() ** 2


@dataclass(frozen=True, eq=False)
class QRLoss:
    """By how much the modules' grey values miss being dark or light.

    Attributes:
        modules: `[N, n, n]`, 1 where a code is dark, N = 1 or one for each picture.
        module_size: pixels each way of a module. 0: the largest that fits.
        margin: modules around the code that are light.
        contrast: between the lightest dark module and the darkest light one, around a grey of 1/2, in [0, 1].
    """

    modules: Tensor
    module_size: int = 0
    margin: int = 4
    contrast: float = 0.4
    name: str = "QR code"

    @property
    def light(self) -> Tensor:
        """1 where a module is light, with the margin, `[N, 1, s, s]`."""
        return 1 - F.pad(self.modules, [self.margin] * 4)[:, None]

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Root mean square over the modules, per sample.

        Raises:
            InputError: if the picture is too small for the code.
        """
        light = repeat_reference(self.light, batch, "codes").to(device)
        sign, greys = 2 * light - 1, self._greys(height, width)
        scale = light[0].numel() ** 0.5
        return lambda images: norm((self.contrast / 2 - sign * (greys(images) - 0.5)).clamp(min=0)) / scale

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The code, and the grey values of the modules."""
        greys = self._greys(*images.shape[-2:])(images)
        return self.light.expand(-1, 3, -1, -1), greys.clamp(0, 1).expand(-1, 3, -1, -1)

    def _greys(self, height: int, width: int) -> Callable[[Tensor], Tensor]:
        """The modules' grey values in the middle of pictures of this size, `[B, 3, H, W] → [B, 1, s, s]`."""
        side = self.light.shape[-1]
        size = self.module_size or min(height, width) // side
        if size < LEAST_MODULE or size * side > min(height, width):
            size = max(size, LEAST_MODULE)
            raise InputError(
                f"the code has {side} modules with its margin, which at {size} pixels each need a picture of "
                f"{size * side}×{size * side}, and this one has {width}×{height}; take a larger picture, a shorter "
                "text, less error correction, or a smaller margin or module size."
            )
        top, left = (height - size * side) // 2, (width - size * side) // 2
        kernel = centre_weights(size)[None, None]

        def greys(images: Tensor) -> Tensor:
            part = luminance(images)[..., top : top + size * side, left : left + size * side]
            return F.conv2d(part, kernel.to(part), stride=size)

        return greys
