import numpy as np
import pytest
import scipy.ndimage
import torch
from torch.testing import assert_close

from guidance_losses import DeblurLoss, InputError, blur, gaussian_kernel, motion_kernel

CPU = torch.device("cpu")
SKEWED = torch.tensor([[0.0, 0.1, 0.0], [0.0, 0.2, 0.3], [0.0, 0.0, 0.4]])


def picture(height: int = 24, width: int = 32) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kernel", [gaussian_kernel(9, 1.5), motion_kernel(7, 30), SKEWED, SKEWED[:, :1] + 0.1])
def test_a_blur_is_scipys_convolution_with_a_mirrored_border(kernel):
    expected = [scipy.ndimage.convolve(channel, kernel.numpy(), mode="mirror") for channel in picture()[0].numpy()]
    assert_close(blur(picture(), kernel)[0], torch.from_numpy(np.stack(expected)), rtol=0, atol=1e-5)


def test_a_gaussian_blur_is_scipys():
    expected = [
        scipy.ndimage.gaussian_filter(channel, 1.5, mode="mirror", radius=7) for channel in picture()[0].numpy()
    ]
    blurred = blur(picture(), gaussian_kernel(15, 1.5))
    assert_close(blurred[0], torch.from_numpy(np.stack(expected)), rtol=0, atol=1e-5)


def test_a_point_of_light_becomes_the_kernel():
    point = torch.zeros(1, 3, 9, 9)
    point[..., 4, 4] = 1
    assert_close(blur(point, SKEWED)[0, 0, 3:6, 3:6], SKEWED)


@pytest.mark.parametrize(
    ("angle", "row"), [(0, lambda k: k[3]), (90, lambda k: k[:, 3]), (45, lambda k: k.flip(1).diag())]
)
def test_a_motion_kernel_is_a_line_at_its_angle(angle, row):
    kernel = motion_kernel(7, angle)
    assert kernel.sum() == pytest.approx(1)
    assert row(kernel).sum() == pytest.approx(1)


def test_kernels_keep_the_brightness():
    grey = torch.full((1, 3, 16, 16), 0.4)
    for kernel in (gaussian_kernel(15, 3.0), motion_kernel(15, 70)):
        assert_close(blur(grey, kernel), grey)


@pytest.mark.parametrize(
    ("kernel", "image", "words"),
    [
        ((4, 5), (16, 16), ["5×4", "odd"]),
        ((17, 3), (16, 16), ["3×17", "larger than the picture of 16×16"]),
        ((3, 3), (16, 20), ["20×16 pixels", "picture 16×16"]),
    ],
)
def test_a_kernel_or_image_that_does_not_fit_is_an_error_that_says_why(kernel, image, words):
    with pytest.raises(InputError, match=r"^(a|the) ") as error:
        DeblurLoss(torch.zeros(1, 3, *image), torch.ones(kernel)).fit(1, 16, 16, CPU)
    assert all(word in str(error.value) for word in words), error.value
