"""The samplers: all in one, and as a SAMPLER for the host's custom sampling nodes."""

from dataclasses import replace
from typing import Any

import comfy.samplers
from comfy_api.latest import io

from ..guidance_losses import InputError
from ..host import GuidedSampler, sample_latent, sampler_function
from ..sampling import DSG, GuidanceMethod, GuidanceRate, GuidedSteps, Spherical
from .checks import check_latent, check_vae
from .inputs import rate_input, steering_inputs, vae_input
from .sockets import RateBlend, ReportSocket


def steered(
    method: GuidanceMethod | None, guidance_rate: float, rate_blend: RateBlend | None
) -> tuple[GuidanceMethod, GuidedSteps]:
    """The method at the sampler's rate, which the constraint alone asks for, and the steps that are guided."""
    blend = rate_blend or RateBlend(Spherical(GuidanceRate(guidance_rate)), GuidedSteps())
    method = method or DSG
    return replace(method, constraint=blend.constraint) if method.constraint.needs_noise else method, blend.when


class DSGKSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_KSampler",
            display_name="DSG KSampler",
            category="DSG/sampling",
            description="Samples, and steers each step towards what the losses on the positive conditioning ask for.",
            inputs=[
                io.Model.Input("model", tooltip="Any diffusion model that the host samples."),
                io.Conditioning.Input("positive", tooltip="What to draw, with the losses applied to it."),
                io.Conditioning.Input("negative", tooltip="What to avoid."),
                io.Latent.Input("latent_image", tooltip="The latent to start from; its noise mask is honoured."),
                vae_input(),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**64 - 1,
                    control_after_generate=True,
                    tooltip="The same seed gives the same picture.",
                ),
                io.Int.Input("steps", default=20, min=1, max=10000, tooltip="Number of steps. 20 to 50 is enough."),
                io.Float.Input(
                    "cfg",
                    default=1.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    tooltip="Classifier-free guidance, beside the losses. 1 turns it off and halves the cost.",
                ),
                io.Combo.Input(
                    "scheduler",
                    options=comfy.samplers.SCHEDULER_NAMES,
                    default="normal",
                    tooltip="How the noise falls over the steps.",
                ),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Below 1, the run starts from the latent with part of the noise only.",
                ),
                rate_input(),
                *steering_inputs(),
            ],
            outputs=[
                io.Latent.Output("latent", display_name="latent"),
                ReportSocket.Output("report", display_name="report", tooltip="For the Guidance Report node."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        positive: list,
        negative: list,
        latent_image: dict,
        vae: Any,
        seed: int,
        steps: int,
        cfg: float,
        scheduler: str,
        denoise: float,
        guidance_rate: float,
        rate_blend: RateBlend | None = None,
        method: GuidanceMethod | None = None,
        balance_losses: bool = True,
    ) -> io.NodeOutput:
        check_vae(vae)
        check_latent(latent_image)
        sampler = GuidedSampler(vae, *steered(method, guidance_rate, rate_blend), balanced=balance_losses)
        latent, report = sample_latent(
            model, positive, negative, latent_image, sampler, seed, steps, cfg, scheduler, denoise
        )
        return io.NodeOutput(latent, report)


class DSGSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_Sampler",
            display_name="DSG Sampler",
            category="DSG/sampling",
            description="The DSG sampler for SamplerCustom and SamplerCustomAdvanced, with any guider and sigmas.",
            inputs=[
                vae_input(),
                rate_input(),
                io.Float.Input(
                    "eta",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of fresh noise in each step. DSG lives on its sphere: 1 is best, 0 impossible.",
                ),
                *steering_inputs(),
            ],
            outputs=[io.Sampler.Output("sampler", display_name="sampler")],
        )

    @classmethod
    def execute(
        cls,
        vae: Any,
        guidance_rate: float,
        eta: float,
        rate_blend: RateBlend | None = None,
        method: GuidanceMethod | None = None,
        balance_losses: bool = True,
    ) -> io.NodeOutput:
        check_vae(vae)
        method, when = steered(method, guidance_rate, rate_blend)
        if eta == 0 and method.constraint.needs_noise:
            raise InputError(
                "with eta 0 a step has no noise, so there is no sphere for DSG to choose a point on; "
                "set eta to 1, or connect a Guidance Method without the constraint."
            )
        sampler = GuidedSampler(vae, method, when, eta, balance_losses)
        return io.NodeOutput(comfy.samplers.KSAMPLER(sampler_function(sampler)))
