"""Several passes of one step agree, whatever a model's patches do: draw random numbers, count, average, hold networks.

The host's own nodes make the patches. What a patch makes of an exact gradient is the reference: it is one pass.
"""

import pytest
from graphs import Run, apart, losses, once

SEVERAL = ["exact", "low memory", "finite difference"]
NEARLY = 1e-3  # of latents in about [−1, 1]


@once
def outcome(host, gradient: str, node: str, of: dict | None = None, **settings) -> tuple[list[float], dict]:
    run = Run(gradient, **settings)
    run.through(node, **(of or {}))
    if node == "HyperTile":  # it draws where there are several ways to cut
        run.through("LatentUpscale", "latent_image", upscale_method="area", width=256, height=256, crop="disabled")
    run.guide()
    return run.outcome(host)


PATCHES = {
    "HyperTile": {"tile_size": 1, "swap_size": 8, "max_depth": 2, "scale_depth": False},
    "LazyCache": {"reuse_threshold": 0.4, "start_percent": 0.1, "end_percent": 0.95, "verbose": False},
    "EasyCache": {"reuse_threshold": 0.4, "start_percent": 0.1, "end_percent": 0.95, "verbose": False},
    "APG": {"eta": 1.0, "norm_threshold": 5.0, "momentum": -0.5},
    "FreeU_V2": {"b1": 1.3, "b2": 1.4, "s1": 0.9, "s2": 0.2},
    "Test_RandomPatch": {"from_outside": False},
    "Test_CountingPatch": {},
}


@pytest.mark.parametrize("node", PATCHES)
def test_low_memory_is_exact_with_a_patch(host, node):
    exact, report = outcome(host, "exact", node, of=PATCHES[node], steps=8, cfg=2.0)
    low, other = outcome(host, "low memory", node, of=PATCHES[node], steps=8, cfg=2.0)
    assert (report["gradient_modes"], other["gradient_modes"]) == (["exact"], ["low memory"])
    assert apart(exact, low) < NEARLY
    assert report["remarks"] == other["remarks"] == []


@pytest.mark.parametrize("node", PATCHES)
def test_finite_differences_guide_with_a_patch_as_without(host, node):
    """By how much the loss falls, of what an exact gradient makes of the same patched model."""
    _, exact = outcome(host, "exact", node, of=PATCHES[node], steps=8, cfg=2.0)
    _, report = outcome(host, "finite difference", node, of=PATCHES[node], steps=8, cfg=2.0)
    fallen = [losses(each)[0] - losses(each)[-1] for each in (exact, report)]
    assert fallen[1] > 0.6 * fallen[0] > 0
    assert report["remarks"] == []


@once
def with_lora(host, gradient: str, lora: str, *hooked: str) -> tuple[list[float], dict]:
    """A LoRA that hangs on these conditionings; on none: in the model's weights."""
    run = Run(gradient, cfg=2.0, steps=5)
    strength = {"lora_name": lora, "strength_model": 1.0}
    if not hooked:
        run.through("LoraLoaderModelOnly", **strength)
    hooks = [run.graph.add("CreateHookLora", strength_clip=0.0, **strength), 0]
    for what in hooked:
        properties = {"cond_NEW": getattr(run, what), "strength": 1.0, "set_cond_area": "default", "hooks": hooks}
        setattr(run, what, [run.graph.add("ConditioningSetProperties", **properties), 0])
    run.guide()
    return run.outcome(host)


@pytest.mark.parametrize("gradient", SEVERAL)
def test_a_lora_on_both_conditionings_is_one_in_the_weights(host, lora, gradient):
    inside, _ = with_lora(host, gradient, lora)
    hooked, report = with_lora(host, gradient, lora, "positive", "negative")
    assert apart(inside, hooked) < NEARLY
    assert report["remarks"] == []


@pytest.mark.parametrize("gradient", ["exact", "low memory"])
def test_a_lora_on_one_conditioning_has_its_own_gradient(host, lora, gradient):
    """A test step, which no weights are exchanged behind, says that it is right."""
    both, _ = with_lora(host, gradient, lora, "positive", "negative")
    one, report = with_lora(host, gradient, lora, "positive")
    assert report["agreement"] == pytest.approx(1, abs=0.05)
    assert apart(one, both) > 0.01
    if gradient == "low memory":
        assert apart(one, with_lora(host, "exact", lora, "positive")[0]) < NEARLY


def test_a_patch_that_no_pass_agrees_with_is_told(host):
    """It takes its random numbers from outside, where nothing can remember them."""
    for gradient, advice in (("finite difference", "set gradient to exact"), ("low memory", "could not be checked")):
        _, report = outcome(host, gradient, "Test_RandomPatch", of={"from_outside": True}, steps=4)
        assert len(report["remarks"]) >= 1
        assert "makes something else of each pass" in report["remarks"][0]
        assert advice in report["remarks"][0]


@pytest.mark.parametrize("gradient", SEVERAL)
def test_networks_that_patches_hold_are_differentiated(host, gradient):
    """The host's hypernetworks, and networks behind `models()`."""
    for node in ("Test_Hypernetwork", "Test_PatchNetwork"):
        _, report = outcome(host, gradient, node, steps=4)
        assert report["gradient_modes"] == [gradient]
        assert losses(report)[-1] < losses(report)[0]
        assert report["remarks"] == []
