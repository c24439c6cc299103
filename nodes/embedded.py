"""The models and pictures that come with the pack, so that everything can be tried with nothing downloaded."""

import torch
from comfy_api.latest import io

from ..embedded.held_out import held_out_faces
from ..embedded.loader import EMBEDDED_MODELS, load_embedded_model
from ..guidance_losses import InputError

ANY_STYLE = "any"
PICTURES = ["first", "second"]


class LoadEmbeddedModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_LoadEmbeddedModel",
            display_name="Load Embedded Model",
            category="DSG/embedded",
            description="A miniature diffusion model of drawn faces, 64×64 pixels, fast on a CPU.",
            inputs=[
                io.Combo.Input("model_name", options=list(EMBEDDED_MODELS), tooltip="Which of the pack's models."),
                io.Combo.Input(
                    "style",
                    options=[ANY_STYLE, "flat", "ink", "pixel", "toon"],
                    default=ANY_STYLE,
                    tooltip="Style of drawing, for the positive output. It counts more with a cfg above 1.",
                ),
                io.Int.Input("batch_size", default=1, min=1, max=256, tooltip="Pictures in the latent output."),
            ],
            outputs=[
                io.Model.Output("model", display_name="model"),
                io.Conditioning.Output("positive", display_name="positive"),
                io.Conditioning.Output("negative", display_name="negative"),
                io.Vae.Output("vae", display_name="vae"),
                io.Latent.Output("latent", display_name="latent"),
            ],
        )

    @classmethod
    def execute(cls, model_name: str, style: str, batch_size: int) -> io.NodeOutput:
        try:
            loaded = load_embedded_model(model_name)
        except ValueError as error:
            raise InputError(str(error)) from error
        unconditional = torch.zeros(1, 1, len(loaded.styles))
        token = unconditional.clone()
        if style != ANY_STYLE:
            token[..., loaded.styles.index(style)] = 1
        latent = {"samples": torch.zeros(batch_size, *loaded.latent_shape)}
        return io.NodeOutput(loaded.model, [[token, {}]], [[unconditional, {}]], loaded.vae, latent)


class LoadEmbeddedFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_LoadEmbeddedFaces",
            display_name="Load Embedded Faces",
            category="DSG/embedded",
            description="Drawn faces, 64×64 pixels, of people that the embedded models have never seen.",
            inputs=[
                io.Int.Input("first", default=0, min=0, max=127, tooltip="Number of the first person, from 0."),
                io.Int.Input("count", default=1, min=1, max=128, tooltip="How many people, as a batch; 128 there are."),
                io.Combo.Input(
                    "picture",
                    options=PICTURES,
                    default=PICTURES[0],
                    optional=True,
                    tooltip="Two pictures of each person: another expression, clothes and background.",
                ),
            ],
            outputs=[io.Image.Output("image", display_name="image")],
        )

    @classmethod
    def execute(cls, first: int, count: int, picture: str = PICTURES[0]) -> io.NodeOutput:
        faces = held_out_faces(PICTURES.index(picture))
        if first + count > len(faces):
            raise InputError(
                f"there are {len(faces)} people, so {count} from number {first} on are too many; "
                f"ask for at most {len(faces) - first}."
            )
        return io.NodeOutput(torch.from_numpy(faces[first : first + count]).float() / 255)
