"""How large everything is, and how much of it there is."""

from dataclasses import dataclass

import torch

from benchmarks.gpu.run import Run

FAMILIES = ["SD 1.5", "SDXL", "Flux"]
# Options of the host for its attention, and the packages that they need beside PyTorch.
KERNELS = {
    "--use-pytorch-cross-attention": "",
    "--use-sage-attention": "sageattention",
    "--use-flash-attention": "flash_attn",
    "--use-split-cross-attention": "",
    "--use-quad-cross-attention": "",
}


@dataclass(frozen=True)
class Scale:
    """How large everything is.

    Attributes:
        sides: of the pictures, by the family of the model, in the order of their importance.
        steps: of runs that are timed.
        from_files: the family whose files the host's loaders recognise at this size, and its decoder.
        kernels: of attention, by the host's options.
    """

    size: str
    sides: dict[str, int]
    steps: int
    from_files: tuple[str, str]
    kernels: tuple[str, ...]

    def setting(self, family: str, **more) -> Run:
        return Run(family, self.size, **({"side": self.sides[family], "steps": self.steps} | more))


QUICK = Scale("small", dict.fromkeys([*FAMILIES, "SD3"], 64), 3, ("SD3", "TAESD"), tuple(KERNELS)[-1:])
ON_A_CPU = Scale("full", dict.fromkeys(FAMILIES, 512), 2, ("SD 1.5", "KL VAE"), tuple(KERNELS))
ON_A_GPU = Scale("full", {"SD 1.5": 512, "SDXL": 1024, "Flux": 1024}, 6, ("SD 1.5", "KL VAE"), tuple(KERNELS))


def scale(quick: bool) -> Scale:
    if quick:
        return QUICK
    return ON_A_GPU if torch.cuda.is_available() else ON_A_CPU
