import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from guidance_losses import InputError, SuperResolutionLoss, shrink

CPU = torch.device("cpu")


def smooth_picture(height: int, width: int) -> torch.Tensor:
    noise = torch.rand(1, 3, height // 4, width // 4, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(noise, (height, width), mode="bilinear")


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize(
    ("kernel", "resampling"), [("bicubic", Image.Resampling.BICUBIC), ("area", Image.Resampling.BOX)]
)
def test_a_picture_is_shrunk_as_pillow_shrinks_it(factor, kernel, resampling):
    picture = smooth_picture(48, 64)
    channels = [
        np.asarray(Image.fromarray(channel.numpy()).resize((64 // factor, 48 // factor), resampling))
        for channel in picture[0]
    ]
    assert_close(shrink(picture, factor, kernel)[0], torch.from_numpy(np.stack(channels)), rtol=0, atol=1e-5)


def test_fine_stripes_do_not_alias():
    stripes = (torch.arange(64) % 2).float().expand(1, 3, 64, 64)
    inside = shrink(stripes, 4, "bicubic")[..., 2:-2]
    assert_close(inside, torch.full_like(inside, 0.5), rtol=0, atol=0.02)


def test_value_by_hand():
    """Means of two blocks that differ by 0.3 and 0.4 in one channel each: a distance of 0.5."""
    small = torch.zeros(1, 3, 1, 2)
    large = torch.zeros(1, 3, 2, 4)
    large[0, 0, :, :2], large[0, 2, 0, 2] = 0.3, 1.6
    assert_close(SuperResolutionLoss(small, 2, "area").fit(1, 2, 4, CPU)(large), torch.tensor([0.5]))


@pytest.mark.parametrize(
    ("image", "factor", "words"),
    [
        ((64, 64), 4, ["full size of 64×64", "4 times as large"]),
        ((16, 20), 4, ["20×16 pixels", "64×64 has 16×16"]),
        ((21, 21), 3, ["factor of 3 does not divide", "64×64"]),
    ],
)
def test_an_image_that_is_no_small_picture_is_an_error_that_says_why(image, factor, words):
    with pytest.raises(InputError, match=r"^(a|the) ") as error:
        SuperResolutionLoss(torch.zeros(1, 3, *image), factor).fit(1, 64, 64, CPU)
    assert all(word in str(error.value) for word in words), error.value
