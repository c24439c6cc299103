"""The best of several noises, before the run."""

from typing import Any

from comfy_api.latest import io, ui

from ..guidance_losses import InputError
from ..host import VAE, GuidedSampler, best_noise
from ..sampling import GuidanceMethod
from .inputs import sampling_inputs, steering_inputs
from .samplers import steered
from .sockets import RateBlend


class BestNoise(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_BestNoise",
            display_name="DSG Best Noise",
            category="DSG/sampling",
            description="Runs the first steps with several noises, and hands on, for each picture, the one that the "
            "losses like best. The sampler after it takes the latent and the seed, with the same settings.",
            inputs=[
                io.Int.Input("tries", default=4, min=2, max=64, tooltip="How many noises a picture."),
                io.Int.Input(
                    "try_steps",
                    default=5,
                    min=1,
                    max=10000,
                    tooltip="How many of the steps each try takes. Before the third a loss says little of the end.",
                ),
                *sampling_inputs(),
                *steering_inputs(),
            ],
            outputs=[
                io.Latent.Output(
                    "same_latent", display_name="latent", tooltip="What came in, with the numbers of the best noises."
                ),
                io.Int.Output("same_seed", display_name="seed", tooltip="For the sampler's seed."),
                io.String.Output(
                    "choice", display_name="choice", tooltip="Which try was chosen, and the losses of all."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        tries: int,
        try_steps: int,
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
        if try_steps > steps:
            raise InputError(f"try_steps is {try_steps}, and the run has {steps} steps; make it smaller.")
        steering = steered(method, guidance_rate, rate_blend)
        choice = best_noise(
            model,
            positive,
            negative,
            latent_image,
            GuidedSampler(vae, *steering, balanced=balance_losses, loss_decoder=loss_decoder),
            tries,
            seed=seed,
            steps=steps,
            cfg=cfg,
            scheduler=scheduler,
            denoise=denoise,
            last_step=try_steps,
        )
        text = "\n".join(
            f"picture {number}: try {place + 1} of {tries} ({', '.join(f'{score:.3g}' for score in scores)})"
            for number, (place, scores) in enumerate(zip(choice.chosen.tolist(), choice.scores.T.tolist()), 1)
        )
        return io.NodeOutput(choice.latent, seed, text, ui=ui.PreviewText(text))
