"""The similarity loss sees what is there: at each place, or wherever it is; whole, or in a place alone."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from embedded.held_out import held_out_faces
from guidance_losses import COMPARISONS, SimilarityLoss
from guidance_losses.networks.clip import load_clip
from guidance_losses.similarity import token_weights
from tools.comfyui import REPOSITORY

CPU = torch.device("cpu")
SIZE = 64
CLIP = load_clip(REPOSITORY / "embedded" / "weights" / "clip" / "faces").double()
LEFT = (torch.arange(SIZE) < SIZE // 2).double().view(1, 1, 1, -1).expand(1, 1, SIZE, SIZE)


def faces(first: int, count: int = 1) -> Tensor:
    return torch.from_numpy(held_out_faces()[first : first + count]).movedim(-1, 1).double() / 255


def value(loss: SimilarityLoss, images: Tensor) -> Tensor:
    return loss.fit(len(images), *images.shape[-2:], CPU)(images)


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_a_picture_is_like_itself_and_unlike_another(comparison):
    loss = SimilarityLoss(CLIP, faces(0), (2, 4), comparison)
    same, other = value(loss, faces(0, 2)).tolist()
    assert same == pytest.approx(0, abs=1e-6)
    assert 0.1 < other < 2


def test_it_is_the_mean_of_one_minus_the_cosines_of_the_tokens():
    image, reference = faces(0), faces(1)
    found, asked = (CLIP.image_tokens(each, (4,))[0] for each in (image, reference))
    cosines = torch.cosine_similarity(found, asked, dim=-1)
    assert_close(value(SimilarityLoss(CLIP, reference, (4,), "place by place"), image), 1 - cosines.mean(1))
    means = [(tokens / tokens.norm(dim=-1, keepdim=True)).mean(1) for tokens in (found, asked)]
    assert_close(value(SimilarityLoss(CLIP, reference, (4,)), image), 1 - torch.cosine_similarity(*means))


def test_overall_forgets_places_and_place_by_place_does_not():
    """A picture moved by two of the network's patches, around the edge, and another picture."""
    moved = faces(0).roll(16, dims=3)
    overall, placed = (
        value(SimilarityLoss(CLIP, faces(0), (2,), comparison), torch.cat([moved, faces(1)])).tolist()
        for comparison in COMPARISONS
    )
    assert overall[0] < 0.3 * overall[1]
    assert placed[0] > 0.5 * placed[1]


def test_a_place_s_own_half_counts_alone():
    """Of a picture whose left half is the reference's, and of the other way around; in the first block, whose tokens
    have seen little of the other half yet."""
    one, other = faces(0), faces(1)
    left, right = LEFT * one + (1 - LEFT) * other, (1 - LEFT) * one + LEFT * other
    loss = SimilarityLoss(CLIP, one, (1,), "place by place", LEFT)
    near, far = value(loss, torch.cat([left, right])).tolist()
    assert near < 0.5 * far


def test_the_shares_of_the_tokens_are_those_of_the_place():
    shares = token_weights(LEFT / LEFT.sum(), 64)[0, :, 0].view(8, 8)
    assert_close(shares.sum(), torch.ones((), dtype=torch.float64))
    assert_close(shares[:, :3], torch.full((8, 3), 1 / 32, dtype=torch.float64))
    assert (shares[:, 5:] == 0).all()


def test_tokens_that_form_no_square_have_no_places():
    with pytest.raises(ValueError, match="form no square"):
        token_weights(LEFT / LEFT.sum(), 63)


def test_what_is_outside_the_place_is_shown_grey():
    image = faces(0)
    asked, made = SimilarityLoss(CLIP, faces(1), (4,), "place by place", LEFT).compared(image)
    assert_close(made[..., : SIZE // 2], image[..., : SIZE // 2])
    assert (made[..., SIZE // 2 :] == 0.5).all()
    assert (asked[..., SIZE // 2 :] == 0.5).all()
    whole, _ = SimilarityLoss(CLIP, faces(1), (4,), "overall", LEFT).compared(image)
    assert_close(whole, faces(1))


def test_a_picture_that_is_not_finite_leaves_the_others_alone():
    images = faces(0, 2)
    images[0, 0, 5, 5] = torch.nan
    found = value(SimilarityLoss(CLIP, faces(4), (4,)), images)
    assert found[0].isnan()
    assert found[1].isfinite()
