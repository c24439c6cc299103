"""A checkpointed network gives the plain one's values and gradients, and keeps little, however its blocks behave."""

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from sampling import DPS, Denoisers, Guidance, LossTerm, SeededNoise, loss_gradient, sample
from sampling.differentiation.checkpointing import checkpointing

WIDTH, DEPTH = 8, 5
START = torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Block(nn.Module):
    """Two streams. In place, the layer norm's input is overwritten behind its back, as in Flux."""

    def __init__(self, in_place: bool):
        super().__init__()
        self.in_place = in_place
        self.norm, self.linear = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, image: Tensor, text: Tensor, options: dict) -> tuple[Tensor, Tensor]:
        change = torch.tanh(self.linear(self.norm(image)) * options["modulation"][0]) + options["number"] * text
        if self.in_place:
            image += change
            text += 0.1 * image
            options["number"] = 100
            return image, text
        image = image + change
        return image, text + 0.1 * image


class Network(nn.Module):
    """Blocks that get one dictionary of options, rewritten between them."""

    def __init__(self, in_place: bool):
        super().__init__()
        torch.manual_seed(1)
        self.blocks = nn.ModuleList(Block(in_place) for _ in range(DEPTH)).double()
        self.requires_grad_(False)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        image, text, options = 1.0 * x, torch.ones_like(x), {}
        for number, block in enumerate(self.blocks):
            options["number"], options["modulation"] = number, [x.mean(1, keepdim=True)]
            image, text = block(image, text, options=options)
        return image + text


def value_and_gradient(network: nn.Module, checkpointed: bool) -> tuple[Tensor, Tensor]:
    x = START.clone().requires_grad_()
    if checkpointed:
        with checkpointing(network):
            value = network(x, None)
    else:
        value = network(x, None)
    return value.detach(), torch.autograd.grad(value.square().sum(), x)[0]


@pytest.mark.parametrize("in_place", [False, True])
def test_value_and_gradient_are_those_of_the_plain_network(in_place):
    expected = value_and_gradient(Network(in_place=False), checkpointed=False)
    found = value_and_gradient(Network(in_place), checkpointed=True)
    assert_close(found[0], expected[0])
    assert_close(found[1], expected[1])


def test_blocks_have_their_own_forward_again_afterwards():
    network = Network(in_place=False)
    with checkpointing(network):
        assert all("forward" in vars(block) for block in network.blocks)
    assert not any("forward" in vars(block) for block in network.blocks)


def test_it_keeps_the_inputs_of_its_blocks_alone():
    def kept(checkpointed: bool) -> int:
        sizes: dict[int, int] = {}

        def keep(tensor: Tensor) -> Tensor:
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        network = Network(in_place=False)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            value_and_gradient(network, checkpointed)
        weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
        return sum(size for storage, size in sizes.items() if storage not in weights)

    assert 0 < kept(True) < 0.7 * kept(False)


@pytest.mark.parametrize("mode", ["exact", "low memory"])
def test_a_denoiser_that_overwrites_what_its_gradient_needs_has_an_exact_one(mode):
    losses = [LossTerm("half", lambda images: (images - 0.5).norm(dim=1))]

    def gradient(in_place: bool) -> Tensor:
        network = Network(in_place)

        def checkpointed(x: Tensor, sigma: Tensor) -> Tensor:
            with checkpointing(network):
                return network(x, sigma)

        denoisers = Denoisers(network, checkpointed=checkpointed)
        return loss_gradient(denoisers, START, 1.0, losses, lambda latent: latent, mode=mode).gradient

    assert_close(gradient(in_place=True), gradient(in_place=False))


def test_a_run_on_such_a_denoiser_stays_exact():
    guidance = Guidance(
        [LossTerm("half", lambda images: (images - 0.5).norm(dim=1))],
        lambda latent: latent,
        DPS.with_strength(0.1),
    )
    levels = torch.tensor([3.0, 1.0, 0.0])
    runs = [sample(Network(in_place), START, levels, SeededNoise(0), guidance) for in_place in (True, False)]
    assert_close(runs[0][0], runs[1][0])
    assert runs[0][1].gradient_modes == ["exact"]
