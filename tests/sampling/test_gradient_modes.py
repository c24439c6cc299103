"""The ways to the gradient agree where they should, and give way to each other where one does not work."""

import logging
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torch.utils.checkpoint import checkpoint

from sampling import DPS, GRADIENT_MODES, MPGD, Decoders, Denoisers, LossTerm, SeededNoise, loss_gradient, sample
from sampling.differentiation.memory import Memory
from sampling.loss_error import LossError

SIGMAS = torch.tensor([10.0, 6.0, 3.0, 1.0, 0.3, 0.0])
NEAR = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
START = 10 * torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(1))
SMALL = DPS.with_strength(0.05)
LOSSES = [LossTerm("half", lambda images: (images - 0.5).flatten(1).norm(dim=1))]
MIXING = torch.randn(75, 75, generator=torch.Generator().manual_seed(3), dtype=torch.float64) / 5


def decode(latent: Tensor) -> Tensor:
    return latent + 0.1 * latent.roll(1, -1)


def symmetric(x: Tensor, sigma: Tensor) -> Tensor:
    """x minus the gradient of a potential, so that its Jacobian is symmetric, as that of an ideal denoiser."""
    flat = x.flatten(1).double()
    return (flat - torch.tanh(flat @ MIXING) @ MIXING.T / (1 + sigma.view(-1, 1))).to(x.dtype).view_as(x)


def gradient(mode: str, denoiser=symmetric, x: Tensor = NEAR) -> Tensor:
    return loss_gradient(denoiser, x, 2.0, LOSSES, decode, mode=mode).gradient


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return torch.cosine_similarity(a.double().flatten(1), b.double().flatten(1))


def test_the_modes_are_those_of_the_node():
    assert GRADIENT_MODES == ("auto", "exact", "low memory", "finite difference", "none")


def test_a_finite_difference_is_exact_for_a_linear_symmetric_denoiser():
    symmetrized = MIXING + MIXING.T

    def linear(x: Tensor, sigma: Tensor) -> Tensor:
        return (x.flatten(1) @ symmetrized).view_as(x)

    assert_close(gradient("finite difference", linear), gradient("exact", linear), rtol=1e-8, atol=1e-10)


def test_a_finite_difference_is_close_for_a_symmetric_jacobian_and_better_than_none():
    exact = gradient("exact")
    assert cosine(gradient("finite difference"), exact).min() > 0.99
    assert_close(gradient("finite difference").flatten(1).norm(dim=1), exact.flatten(1).norm(dim=1), rtol=0.05, atol=0)
    assert cosine(gradient("none"), exact).max() < 0.95


@pytest.mark.parametrize(("dtype", "least"), [(torch.float16, 0.97), (torch.bfloat16, 0.9)])
def test_a_finite_difference_survives_a_denoisers_rounding(dtype, least):
    def rounded(x: Tensor, sigma: Tensor) -> Tensor:
        return symmetric(x.to(dtype), sigma).to(x.dtype)

    exact = gradient("exact")
    aware = gradient("finite difference", Denoisers(rounded, precision=dtype), NEAR.float())
    assert cosine(aware, exact).min() > least


@pytest.mark.parametrize("mode", ["exact", "low memory", "finite difference", "none"])
def test_samples_do_not_see_each_other(mode, denoiser):
    together = gradient(mode, denoiser, START)
    assert torch.equal(together, torch.cat([gradient(mode, denoiser, x) for x in START.split(1)]))


def test_samples_without_a_direction_have_no_difference(denoiser):
    losses = [LossTerm("first alone", lambda images: images.flatten(1).norm(dim=1) * torch.tensor([1.0, 0.0]))]
    found = loss_gradient(denoiser, START, 2.0, losses, decode, mode="finite difference").gradient
    assert found[0].norm() > 0
    assert not found[1].any()


def test_low_memory_is_exact_and_goes_through_the_checkpointed_denoiser(denoiser):
    calls = []

    def counted(name: str, call):
        def counting(x: Tensor, sigma: Tensor) -> Tensor:
            calls.append((name, torch.is_grad_enabled()))
            return call(x, sigma)

        return counting

    def checkpointed(x: Tensor, sigma: Tensor) -> Tensor:
        return checkpoint(denoiser, x, sigma, use_reentrant=False)

    denoisers = Denoisers(
        counted("plain", denoiser), counted("differentiable", denoiser), counted("checkpointed", checkpointed)
    )
    assert torch.equal(gradient("low memory", denoisers), gradient("exact", denoiser))
    assert calls == [("differentiable", False), ("checkpointed", True)]


@pytest.mark.parametrize(("mode", "passes"), [("finite difference", 2), ("none", 1)])
def test_the_cheap_modes_make_no_graph(mode, passes, denoiser):
    calls = []

    def counting(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append(torch.is_grad_enabled())
        return denoiser(x, sigma)

    with torch.enable_grad():
        gradient(mode, counting)
    assert calls == [False] * passes


def run(guide, denoiser, method=SMALL):
    return sample(denoiser, START, SIGMAS, SeededNoise(0), guide(*LOSSES, method=method))


def with_mode(mode: str, method=SMALL):
    return replace(method, gradient_mode=mode)


def without_gradient(denoiser):
    return lambda x, sigma: denoiser(x.detach(), sigma).detach()


def test_auto_is_exact_where_there_is_a_gradient(guide, denoiser):
    x, report = run(guide, denoiser)
    assert torch.equal(x, run(guide, denoiser, with_mode("exact"))[0])
    assert report.gradient_modes == ["exact"]
    assert report.to_dict()["gradient_modes"] == ["exact"]


def test_auto_takes_finite_differences_where_there_is_none_and_says_so_once(guide, denoiser, caplog):
    blind = without_gradient(denoiser)
    with caplog.at_level(logging.WARNING):
        x, report = run(guide, blind)
    assert torch.equal(x, run(guide, blind, with_mode("finite difference"))[0])
    assert report.gradient_modes == ["exact", "finite difference"]
    assert len(caplog.records) == 1
    assert "no gradient" in caplog.text


@pytest.mark.parametrize("mode", ["exact", "low memory"])
def test_a_chosen_mode_that_needs_a_gradient_insists_on_it(guide, denoiser, mode):
    with pytest.raises(RuntimeError, match="grad"):
        run(guide, without_gradient(denoiser), with_mode(mode))


def test_a_loss_that_fails_is_no_missing_gradient(guide, denoiser):
    def broken(images: Tensor) -> Tensor:
        raise RuntimeError("a loss has no grad")

    with pytest.raises(LossError, match=r"the loss 'loss 0' ended in an error of its own.*a loss has no grad"):
        sample(denoiser, START, SIGMAS, SeededNoise(0), guide(broken))


def test_a_method_that_needs_no_gradient_takes_none(guide, denoiser):
    _, report = run(guide, without_gradient(denoiser), MPGD.with_strength(0.1))
    assert report.gradient_modes == ["none"]
    assert report.guided_steps == 5


def limited(denoiser, failures: int):
    """A denoiser whose graph does not fit into memory the first few times."""
    left = [failures]

    def call(x: Tensor, sigma: Tensor) -> Tensor:
        if torch.is_grad_enabled() and left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return denoiser(x, sigma)

    return call


@pytest.mark.parametrize(
    ("mode", "failures", "modes"),
    [
        ("auto", 1, ["exact", "low memory"]),
        ("exact", 1, ["exact", "low memory"]),
        ("auto", 2, ["exact", "low memory", "finite difference"]),
        ("low memory", 1, ["low memory", "finite difference"]),
    ],
)
def test_out_of_memory_takes_the_next_cheaper_mode_and_finishes(guide, denoiser, caplog, mode, failures, modes):
    x, report = run(guide, limited(denoiser, failures), with_mode(mode))
    assert report.gradient_modes == modes
    assert report.guided_steps == 5
    assert torch.equal(x, run(guide, denoiser, with_mode(modes[-1]))[0])
    assert caplog.text.count("memory is short") == len(modes) - 1


@pytest.mark.parametrize(("free", "modes"), [(10**9, ["exact"]), (100, ["exact", "low memory"])])
def test_auto_takes_the_exact_gradient_where_its_graph_fits_into_the_free_memory(guide, denoiser, free, modes):
    x, report = run(guide, Denoisers(denoiser, memory=Memory(free=lambda: free)))
    assert report.gradient_modes == modes
    assert torch.equal(x, run(guide, denoiser)[0])  # low memory is exact too


def test_a_chosen_mode_is_not_judged_by_the_free_memory(guide, denoiser):
    _, report = run(guide, Denoisers(denoiser, memory=Memory(free=lambda: 100)), with_mode("exact"))
    assert report.gradient_modes == ["exact"]


def test_what_others_keep_in_memory_goes_before_the_gradient_gets_cheaper_and_that_is_said(guide, denoiser, caplog):
    others = ["text encoder", "another model"]

    def make_room() -> bool:
        return bool(others and others.pop())

    memory = Memory(make_room=make_room)
    x, report = run(guide, Denoisers(limited(denoiser, 2), memory=memory))
    assert report.gradient_modes == ["exact"]
    assert torch.equal(x, run(guide, denoiser)[0])
    assert caplog.text.count("memory is short; other models were unloaded") == 2
    _, report = run(guide, Denoisers(limited(denoiser, 1), memory=memory))
    assert report.gradient_modes == ["exact", "low memory"]


@pytest.mark.parametrize(
    ("mode", "method", "failures", "modes"),
    [
        ("exact", SMALL, 2, ["exact", "low memory", "low memory, decoding in tiles"]),
        ("finite difference", SMALL, 1, ["finite difference", "finite difference, decoding in tiles"]),
        ("exact", MPGD.with_strength(0.1), 1, ["none", "none, decoding in tiles"]),
    ],
)
def test_a_decoder_without_memory_goes_on_in_tiles(guide, denoiser, mode, method, failures, modes):
    left = [failures]

    def decode(latent: Tensor) -> Tensor:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return latent

    tiled = []

    def tiled_decode(latent: Tensor) -> Tensor:
        tiled.append(latent)
        return latent

    guidance = guide(*LOSSES, method=replace(method, gradient_mode=mode))
    expected, _ = sample(denoiser, START, SIGMAS, SeededNoise(0), guidance)
    guidance = replace(guidance, decoder=Decoders(decode, tiled=tiled_decode))
    x, report = sample(denoiser, START, SIGMAS, SeededNoise(0), guidance)
    assert report.gradient_modes == modes
    assert len(tiled) == 5 + 1  # a step each, and one to check the losses' gradient
    assert torch.equal(x, expected)


def test_after_the_tiles_come_finite_differences_and_then_an_error(guide, denoiser):
    def never(latent: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    seen = []

    def counting(x: Tensor, sigma: Tensor) -> Tensor:
        seen.append(torch.is_grad_enabled())
        return denoiser(x, sigma)

    guidance = replace(guide(*LOSSES, method=SMALL), decoder=Decoders(never, tiled=never))
    with pytest.raises(torch.OutOfMemoryError):
        sample(counting, START, SIGMAS, SeededNoise(0), guidance)
    # exact; low memory, whole and in tiles; finite difference: each fails where its first estimate is decoded
    assert seen == [True, False, False, False]


@pytest.mark.parametrize("mode", ["exact", "auto"])
def test_a_loss_that_overwrites_what_its_gradient_needs_is_told_so(guide, denoiser, mode):
    def overwriting(images: Tensor) -> Tensor:
        values = torch.exp(images)
        norms = values.flatten(1).norm(dim=1)
        values.mul_(0)
        return norms

    careless = guide(LossTerm("careless", overwriting), method=with_mode(mode))
    with pytest.raises(ValueError, match=r"loss 'careless' changes in place .* y \+= 1") as error:
        sample(denoiser, START, SIGMAS, SeededNoise(0), careless)
    assert "\n" not in str(error.value)


def test_out_of_memory_without_a_cheaper_mode_is_an_error(guide, denoiser):
    def never(x: Tensor, sigma: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        run(guide, never)


def test_the_relative_step_is_that_of_the_sample(denoiser):
    """δ is a hundredth of ‖x‖, sample by sample, along v."""
    seen = []

    def watched(x: Tensor, sigma: Tensor) -> Tensor:
        seen.append(x)
        return denoiser(x, sigma)

    x = START * torch.tensor([1.0, 100.0]).view(2, 1, 1, 1)
    gradient("finite difference", watched, x)
    ratios = (seen[1] - seen[0]).flatten(1).norm(dim=1) / x.flatten(1).norm(dim=1)
    assert ratios.tolist() == pytest.approx([0.01, 0.01], rel=1e-3)


@pytest.mark.parametrize(("mode", "times"), [("exact", 0), ("auto", 0), ("low memory", 6), ("finite difference", 6)])
def test_all_ways_but_the_exact_one_decode_sparingly(guide, mode, times):
    sparing = []

    def sparing_decode(latent: Tensor) -> Tensor:
        sparing.append(latent)
        return latent

    decoder = Decoders(lambda latent: latent, sparing_decode)
    guidance = replace(guide(*LOSSES, method=replace(SMALL, gradient_mode=mode)), decoder=decoder)
    sample(symmetric, START, SIGMAS, SeededNoise(0), guidance)
    assert len(sparing) == times
