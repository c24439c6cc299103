"""QR codes: drawn, read back, and what the loss asks of a picture."""

import pytest
import torch
import zxingcpp
from torch import Tensor
from torch.testing import assert_close

from guidance_losses import ERROR_CORRECTION, InputError, QRLoss, VisibleLoss, code_picture, qr_modules, read_modules
from guidance_losses.qr_code import centre_weights

CPU = torch.device("cpu")
CODE = qr_modules("DSG 01", "h")[None]


def pictures(seed: int, batch: int = 1, side: int = 64) -> Tensor:
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def decoded(picture: Tensor) -> list[str]:
    """What a reader finds, which knows nothing of how the codes were made."""
    grey = (255 * picture.clamp(0, 1).mean(0)).round().byte().numpy()
    return [code.text for code in zxingcpp.read_barcodes(grey)]


@pytest.mark.parametrize("error_correction", ERROR_CORRECTION.values())
@pytest.mark.parametrize("text", ["DSG 01", "https://example.org/a/b?c=1", "Ü, and 日本語", "7" * 300])
def test_a_reader_reads_the_code_and_so_do_we(error_correction, text):
    modules = qr_modules(text, error_correction)
    for size, margin in ((4, 4), (7, 2)):
        picture = code_picture(modules[None], size, margin)[0]
        assert decoded(picture) == [text]
        assert torch.equal(read_modules(picture), modules)


@pytest.mark.parametrize("scale", [0.4, 0.77, 1.9])
def test_a_resized_picture_of_a_code_is_still_that_code(scale):
    modules = qr_modules("https://example.org", "m")
    picture = code_picture(modules[None], 10, 4)
    resized = torch.nn.functional.interpolate(picture, scale_factor=scale, mode="bicubic", antialias=True)
    assert torch.equal(read_modules(resized[0].clamp(0, 1)), modules)


@pytest.mark.parametrize(
    "picture",
    [
        *(torch.full((3, 64, 64), grey) for grey in (0.0, 0.5, 1.0)),
        pictures(0)[0].float(),
        1 - code_picture(CODE, 4, 4)[0],
        code_picture(CODE, 4, 4)[0].rot90(1, (1, 2)),
        code_picture(CODE, 4, 4)[0].roll(30, 2),
        code_picture(CODE, 4, 4)[0][:, :60],
        torch.cat([code_picture(CODE, 4, 4)[0]] * 2, 2),
    ],
    ids=["black", "grey", "white", "noise", "inverted", "turned", "cut", "half", "two"],
)
def test_what_is_no_clean_code_is_refused(picture):
    with pytest.raises(InputError, match="no QR code was found on the picture"):
        read_modules(picture)


def test_a_text_that_can_be_no_code_is_refused():
    with pytest.raises(InputError, match="the text is empty"):
        qr_modules("", "h")
    with pytest.raises(InputError, match="too long for a QR code; shorten it"):
        qr_modules("x" * 3000, "l")


@pytest.mark.parametrize("module_size", [0, 2])
def test_the_gradient_is_that_of_finite_differences(module_size):
    loss = QRLoss(CODE.double(), module_size).fit(1, 64, 64, CPU)
    assert torch.autograd.gradcheck(loss, pictures(0).requires_grad_(), fast_mode=True)


def test_black_white_and_noise_are_finite():
    noise = pictures(1).float()
    images = torch.cat([torch.zeros_like(noise), torch.ones_like(noise), noise, 50 * noise - 20]).requires_grad_()
    values = QRLoss(CODE).fit(4, 64, 64, CPU)(images)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert values.isfinite().all()
    assert gradient.isfinite().all()


def test_the_loss_by_hand():
    """Grey everywhere misses half of the contrast in each module."""
    grey = torch.full((1, 3, 64, 64), 0.5)
    assert_close(QRLoss(CODE, contrast=0.4).fit(1, 64, 64, CPU)(grey), torch.tensor([0.2]))


def test_a_code_that_reads_right_asks_for_nothing_more():
    light = code_picture(CODE, 2, 4)
    picture = torch.nn.functional.pad(0.3 + 0.4 * light, [3] * 4).requires_grad_()
    value = QRLoss(CODE, contrast=0.4 - 1e-5).fit(1, 64, 64, CPU)(picture)
    (gradient,) = torch.autograd.grad(value.sum(), picture)
    assert value == 0
    assert not gradient.any()
    assert QRLoss(CODE, contrast=0.5).fit(1, 64, 64, CPU)(picture) > 0.04


def test_only_the_code_and_its_margin_are_looked_at():
    images = pictures(2, side=70).requires_grad_()
    (gradient,) = torch.autograd.grad(QRLoss(CODE.double(), 2, 4).fit(1, 70, 70, CPU)(images).sum(), images)
    assert not gradient[..., :6, :].any()
    assert not gradient[..., -6:].any()
    assert gradient[..., 6:64, 6:64].any()


def test_the_middle_of_a_module_counts_most():
    weights = centre_weights(8)
    assert_close(weights.sum(), torch.tensor(1.0))
    assert weights[3:5, 3:5].sum() > 2 * 4 / 64
    assert_close(centre_weights(2), torch.full((2, 2), 0.25))


def test_steps_down_the_gradient_make_a_picture_readable():
    """A reader finds nothing before, and the text after."""
    clouds = torch.nn.functional.interpolate(pictures(3, side=8), (64, 64), mode="bicubic")
    images, loss = clouds, QRLoss(CODE.double()).fit(1, 64, 64, CPU)
    for _ in range(200):
        leaf = images.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(leaf).sum(), leaf)
        images = (leaf - 0.5 * gradient / gradient.norm().clamp(min=1e-12)).detach()
    enlarge = torch.nn.Upsample(scale_factor=4)
    assert decoded(enlarge(clouds)[0]) == []
    assert decoded(enlarge(images)[0]) == ["DSG 01"]


def test_each_picture_has_its_own_code_or_all_have_one():
    both = torch.cat([CODE, qr_modules("DSG 02", "h")[None]]).double()
    images = pictures(4, 2)
    together = QRLoss(both).fit(2, 64, 64, CPU)(images)
    alone = [QRLoss(both[[i]]).fit(1, 64, 64, CPU)(images[[i]]) for i in range(2)]
    assert_close(together, torch.cat(alone))
    with pytest.raises(InputError, match="2 codes were given for 3 pictures"):
        QRLoss(both).fit(3, 64, 64, CPU)


@pytest.mark.parametrize(("module_size", "margin", "needed"), [(0, 16, 106), (3, 4, 87)])
def test_a_picture_that_is_too_small_is_refused_with_the_size_it_needs(module_size, margin, needed):
    with pytest.raises(InputError, match=f"need a picture of {needed}×{needed}, and this one has 64×80"):
        QRLoss(CODE, module_size, margin).fit(1, 80, 64, CPU)


def test_what_it_shows_are_the_grey_values():
    loss = QRLoss(CODE)
    assert isinstance(loss, VisibleLoss)
    asked, made = loss.compared(pictures(5).float())
    assert asked.shape == made.shape == (1, 3, 29, 29)
    assert torch.equal(asked[0, 0, 4:-4, 4:-4], 1 - CODE[0])
