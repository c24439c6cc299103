"""The reward loss is what the reward lacks of its goal, and ends there."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from embedded.held_out import held_out_faces, held_out_facts
from guidance_losses import InputError, RewardLoss
from guidance_losses.networks.clip import load_clip
from guidance_losses.networks.reward_head import RewardHead
from tools.comfyui import REPOSITORY

CPU = torch.device("cpu")
CLIP = load_clip(REPOSITORY / "embedded" / "weights" / "clip" / "faces").double()
TEXT = "a person on a navy background"


def faces(first: int, count: int = 2) -> Tensor:
    return torch.from_numpy(held_out_faces()[first : first + count]).movedim(-1, 1).double() / 255


def random_head(width: int = 128) -> RewardHead:
    return RewardHead(*torch.randn(width + 1, dtype=torch.float64).split([width, 1])[:1], torch.tensor(5.0).double())


def value_and_gradient(loss: RewardLoss, images: Tensor) -> tuple[Tensor, Tensor]:
    leaf = images.clone().requires_grad_()
    values = loss.fit(len(images), *images.shape[-2:], CPU)(leaf)
    (gradient,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach(), gradient


def test_it_is_what_a_head_s_score_lacks_of_the_goal():
    torch.manual_seed(0)
    head, images = random_head(), faces(0)
    expected = 50 - (CLIP.encode_images(images) @ head.weight + head.bias)
    assert_close(value_and_gradient(RewardLoss(CLIP, 50.0, head), images)[0], expected)


def test_it_is_what_a_hundred_cosines_with_the_prompt_lack_of_the_goal():
    images = faces(0)
    cosines = CLIP.encode_images(images) @ CLIP.encode_texts([TEXT])[0]
    assert_close(value_and_gradient(RewardLoss(CLIP, 40.0, prompt=TEXT), images)[0], 40 - 100 * cosines)


def test_above_the_goal_there_is_neither_loss_nor_gradient_and_below_there_is():
    reward = -value_and_gradient(RewardLoss(CLIP, 100.0, prompt=TEXT), faces(0, 16))[0]
    low, high = faces(0, 16)[reward.argmin()], faces(0, 16)[reward.argmax()]
    goal = 100 + float(reward.min() + reward.max()) / 2
    values, gradient = value_and_gradient(RewardLoss(CLIP, goal, prompt=TEXT), torch.stack([low, high]))
    assert values[0] > 0 == values[1]
    assert gradient[0].norm() > 1e-3
    assert (gradient[1] == 0).all()


def test_the_pictures_that_it_likes_show_what_it_asks_for():
    values, _ = value_and_gradient(RewardLoss(CLIP, 100.0, prompt=TEXT), faces(0, 64))
    backgrounds = [facts["background"] for facts in held_out_facts()[:64]]
    liked = [backgrounds[place] for place in values.argsort()[: backgrounds.count("navy")]]
    assert liked.count("navy") > 0.8 * len(liked) > 0


@pytest.mark.parametrize("width", [127, 768])
def test_a_head_of_another_clip_is_an_error_that_says_so(width):
    with pytest.raises(InputError, match=rf"reads {width} features of a picture, and this CLIP gives 128"):
        RewardLoss(CLIP, 6.5, random_head(width)).fit(1, 64, 64, CPU)
