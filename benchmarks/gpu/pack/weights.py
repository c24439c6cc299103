"""Random weights, drawn where they are quickly drawn."""

import math

import comfy.model_management
import torch

PRECISIONS = {"the host's": None, "fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def fill(network: torch.nn.Module) -> None:
    """Ones for norms, zeros for biases, otherwise a normal draw that keeps the activations' scale.

    Rounded to bf16, so that a network has the same weights in each precision.
    """
    device = comfy.model_management.get_torch_device()
    generator = torch.Generator(device).manual_seed(0)
    for name, weight in network.state_dict().items():
        if weight.ndim < 2:
            weight.copy_(torch.zeros_like(weight) if name.endswith("bias") else torch.ones_like(weight))
        else:
            drawn = torch.randn(weight.shape, generator=generator, device=device)
            weight.copy_(drawn.mul_(1 / math.sqrt(math.prod(weight.shape[1:]))).bfloat16())
