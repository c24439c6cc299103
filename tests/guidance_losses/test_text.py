"""The text loss is about the whole picture: it knows captions, and its cut-outs are parts of the picture."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from embedded.held_out import held_out_faces, held_out_facts
from guidance_losses import TextLoss
from guidance_losses.networks.clip import load_clip
from guidance_losses.text import LEAST_SIDE, cut_outs
from tools.comfyui import REPOSITORY

CPU = torch.device("cpu")
SIZE = 64
CLIP = load_clip(REPOSITORY / "embedded" / "weights" / "clip" / "faces").double()


def faces(first: int, count: int = 2) -> Tensor:
    return torch.from_numpy(held_out_faces()[first : first + count]).movedim(-1, 1).double() / 255


def value(loss: TextLoss, images: Tensor) -> Tensor:
    return loss.fit(len(images), *images.shape[-2:], CPU)(images)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_picture_fits_its_own_caption_better_than_another_s():
    captions = [facts["caption"] for facts in held_out_facts()[:8]]
    values = torch.stack([value(TextLoss(CLIP, caption, count=1), faces(0, 8)) for caption in captions])
    assert (values.argmin(1) == torch.arange(8)).float().mean() > 0.8


def test_it_is_one_minus_the_cosine_and_plus_that_of_what_is_not_wanted():
    images = faces(0)
    wanted, unwanted = (value(TextLoss(CLIP, text, count=1), images) for text in ("pink hair", "a bald person"))
    assert_close(wanted, 1 - CLIP.encode_images(images) @ CLIP.encode_texts(["pink hair"])[0])
    both = value(TextLoss(CLIP, "pink hair", "a bald person", count=1), images)
    assert_close(both - 1, (wanted - 1) - (unwanted - 1))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 96), (96, 48)])
def test_cut_outs_are_squares_of_the_picture(height, width):
    """On a picture whose red and green are the place, each cut-out's colours tell where it was cut, and how large."""
    down = (torch.arange(height).view(1, 1, -1, 1) + 0.5).expand(1, 1, height, width)
    right = (torch.arange(width).view(1, 1, 1, -1) + 0.5).expand(1, 1, height, width)
    picture = torch.cat([right, down, torch.zeros_like(down)], dim=1).double()
    short = min(height, width)
    whole, *parts = cut_outs(picture, 40, seeded()).unsqueeze(1)
    assert whole.shape == (1, 3, short, short)
    assert whole[0, :2].amin() < 2
    assert (whole[0, :2].amax((1, 2)) > torch.tensor([width, height]) - 2).all()
    sides, centres = [], []
    for part in parts:
        low, high = part[0, :2].amin((1, 2)), part[0, :2].amax((1, 2))
        across, along = high - low
        assert_close(across, along, atol=1.0, rtol=0.0)
        assert (low >= 0.49).all()
        assert (high <= torch.tensor([width, height]) - 0.49).all()
        sides.append(float(across) / short)
        centres.append((low + high) / 2)
    assert LEAST_SIDE - 0.05 < min(sides) < LEAST_SIDE + 0.1
    assert 0.9 < max(sides) <= 1
    assert (torch.stack(centres).std(0) > 0.03 * torch.tensor([width, height])).all()


def test_cut_outs_repeat_with_the_seed_and_differ_from_step_to_step():
    images, generator = faces(0), seeded()
    first, next_ones = cut_outs(images, 3, generator), cut_outs(images, 3, generator)
    assert torch.equal(first, cut_outs(images, 3, seeded()))
    assert torch.equal(first[:2], images)
    assert not torch.equal(first[2:4], first[4:])
    assert not torch.equal(first[2:], next_ones[2:])
    assert first.min() >= images.min() - 1e-9
    assert first.max() <= images.max() + 1e-9


def test_a_run_repeats_and_each_picture_is_alone():
    images, loss = faces(0), TextLoss(CLIP, "a person with pink hair")
    run, again, alone = (loss.fit(count, SIZE, SIZE, CPU) for count in (2, 2, 1))
    for _ in range(3):
        values = run(images)
        assert torch.equal(values, again(images))
        assert_close(values[1:], alone(images[1:]))


def test_more_cut_outs_make_the_loss_steadier():
    image = faces(0, 1)

    def spread(count: int) -> float:
        fitted = TextLoss(CLIP, "a person with pink hair", count=count).fit(1, SIZE, SIZE, CPU)
        return float(torch.cat([fitted(image) for _ in range(12)]).std())

    assert spread(16) < 0.8 * spread(2)


def test_a_text_that_is_too_long_is_an_error_that_says_so():
    with pytest.raises(ValueError, match=r"reads at most \d+; shorten it"):
        TextLoss(CLIP, "hair " * 100).fit(1, SIZE, SIZE, CPU)
