"""The samplers: all in one, and as a SAMPLER for the host's custom sampling nodes."""

from dataclasses import replace
from typing import Any

import comfy.samplers
from comfy_api.latest import io

from ..guidance_losses import InputError
from ..host import VAE, GuidedSampler, sample_latent, sampler_function
from ..sampling import DSG, GuidanceMethod, GuidanceRate, GuidedSteps, Spherical
from .inputs import rate_input, sampling_inputs, steering_inputs, vae_input
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
                *sampling_inputs(),
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
        loss_decoder: str = VAE,
    ) -> io.NodeOutput:
        steering = steered(method, guidance_rate, rate_blend)
        sampler = GuidedSampler(vae, *steering, balanced=balance_losses, loss_decoder=loss_decoder)
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
                    max=2.0,
                    step=0.01,
                    tooltip="Fresh noise in each step: 1 as DDPM has it, 2 renews all noise, 0 none (impossible for "
                    "DSG, which lives on its sphere).",
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
        loss_decoder: str = VAE,
    ) -> io.NodeOutput:
        method, when = steered(method, guidance_rate, rate_blend)
        if eta == 0 and method.constraint.needs_noise:
            raise InputError(
                "with eta 0 a step has no noise, so there is no sphere for DSG to choose a point on; "
                "set eta to 1, or connect a Guidance Method without the constraint."
            )
        sampler = GuidedSampler(vae, method, when, eta, balance_losses, loss_decoder)
        return io.NodeOutput(comfy.samplers.KSAMPLER(sampler_function(sampler)))
