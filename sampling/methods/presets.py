"""The training-free methods, each a row of numbers with its source.

Nearly all are points of the space in `tfg`; DSG's constraint can be put on any of them.
"""

from collections.abc import Sequence
from dataclasses import replace

from ..automatic_rate import Automatic
from ..loss_term import LossTerm
from ..spherical import Spherical
from .dpmpp_2m import dpmpp_2m
from .method import GuidanceMethod
from .mmps import mmps_estimate
from .posterior_mean import posterior_mean_estimate, proximal_estimate
from .schedules import inverse_signal, noise, rising, rising_at_start, signal

# Chung et al., "Diffusion Posterior Sampling for General Noisy Inverse Problems", ICLR 2023, arXiv 2209.14687,
# algorithm 1: ζ' / ‖residual‖ times the gradient of the residual's square, which is 2·ζ' times that of its norm. Its
# code leaves out the 2, and its ζ' of 1 is for that.
DPS = GuidanceMethod("DPS", rho=2.0)

# Yang et al., "Guidance with Spherical Gaussian Constraint for Conditional Diffusion", ICML 2024, arXiv 2402.03201:
# the gradient of DPS, on the sphere.
DSG = replace(DPS, name="DSG", constraint=Spherical())

# Yu et al., "FreeDoM: Training-Free Energy-Guided Conditional Diffusion Model", ICCV 2023, arXiv 2303.09833, algorithm
# 2. ρ_t = 0.2·sqrt(ᾱ_t) as in its code for segmentation (20 for sketches, 100 for faces: each loss has its own). Three
# repeats in the semantic stage, steps 70 to 40 of a countdown from 100, as in its code for Stable Diffusion; its code
# for ImageNet takes ten, from 800 to 500 of 1000.
FREEDOM = GuidanceMethod(
    "FreeDoM", rho=0.2, rho_schedule=signal, recurrence=3, recurrence_start=0.3, recurrence_end=0.6
)

# Bansal et al., "Universal Guidance for Diffusion Models", CVPR Workshops 2023, arXiv 2302.07121, algorithm 1: forward
# guidance ε̂ = ε + s·sqrt(1 − ᾱ_t)·∇_{x_t} L and k repeats, with s and k as for style. Backward guidance, m steps of x̂_0
# (`iterations`, `mu`), is off, as in all its experiments on Stable Diffusion.
UGD = GuidanceMethod("UGD", rho=6.0, rho_schedule=noise, on_noise=True, recurrence=6)

# Song et al., "Loss-Guided Diffusion Models for Plug-and-Play Controllable Generation", ICML 2023 (PMLR 202): x_0 is
# N(x̂_0, r_t²) with r_t = σ_t / sqrt(1 + σ_t²) = sqrt(1 − ᾱ_t), and the loss −log of the mean of exp(−L) over 10 draws.
# The paper leaves the strength open: it is that of DPS.
LGD_MC = GuidanceMethod("LGD-MC", rho=2.0, smoothing=1.0, draws=10)

# He et al., "Manifold Preserving Guided Diffusion", ICLR 2024, arXiv 2311.16424, algorithm 1 (without projection):
# x̂_0 takes one step of c_t·∇L, the noise stays. c_t = 17.5 / sqrt(ᾱ_t) in its code for super-resolution; for its other
# losses the code divides by the gradient's root mean square as well, which the paper does not.
MPGD = GuidanceMethod("MPGD", mu=35.0, mu_schedule=inverse_signal, iterations=1)

# Ye et al. 2024, algorithm 1, with the numbers of its code for super-resolution: ρ̄ = 4, μ̄ = 2, σ̄ = 0.01, four
# iterations, one draw, ρ and μ rising with α_t. The code clips gradients at a root mean square of 100; we do not.
TFG = GuidanceMethod(
    "TFG",
    rho=8.0,
    rho_schedule=rising_at_start,
    mu=4.0,
    mu_schedule=rising,
    iterations=4,
    smoothing=0.01,
)

# Rozet et al., "Learning Diffusion Priors from Observations by Expectation Maximization", NeurIPS 2024, arXiv
# 2405.13712: see `mmps`.
MMPS = GuidanceMethod("MMPS", rho=1.0, estimator=mmps_estimate)

# The same posterior, by several conjugate gradients with a covariance that takes no further passes, and with all noise
# renewed in each step: see `posterior_mean`. With few steps, each is repeated: at 5 that is worth up to 5 dB.
POSTERIOR_MEAN = GuidanceMethod(
    "posterior mean",
    rho=1.0,
    iterations=2,
    passes=24,
    estimator=posterior_mean_estimate,
    eta=2.0,
    for_measurements=True,
)

# Zhu et al., "Denoising Diffusion Models for Plug-and-Play Image Restoration", CVPR Workshops 2023, arXiv 2305.08995:
# no gradient of the denoiser. λ = 1 and ζ = 1, all noise renewed; the paper's tables have λ from 1 to 25 and ζ from 0.1
# to 1, by task.
DIFFPIR = GuidanceMethod("DiffPIR", mu=1.0, iterations=8, estimator=proximal_estimate, eta=2.0, for_measurements=True)

# Lu et al., "DPM-Solver++", 2022, arXiv 2211.01095: the gradient of DPS, added to a deterministic step of second order.
DPMPP_2M = replace(DPS, name="DPM-Solver++(2M)", solver=dpmpp_2m, eta=0.0)

METHODS = {
    method.name: method
    for method in (DSG, DPS, FREEDOM, UGD, LGD_MC, MPGD, TFG, MMPS, POSTERIOR_MEAN, DIFFPIR, DPMPP_2M)
}


def automatic(method: GuidanceMethod, losses: Sequence[LossTerm]) -> GuidanceMethod:
    """What an automatic rate makes of DSG: where all losses are measurements, their posterior's mean."""
    constraint = method.constraint
    if not (
        isinstance(constraint, Automatic)
        and method == replace(DSG, constraint=constraint, gradient_mode=method.gradient_mode)
    ):
        return method
    return POSTERIOR_MEAN if losses and all(term.measured for term in losses) else method
