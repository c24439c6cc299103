"""One run: what is sampled, and how, as a prompt for the host's HTTP API."""

from dataclasses import dataclass, replace

from tools.graph import Graph, Slot, loss

GREY = 0x808080
HIDDEN = 0.5  # share of the picture that the loss asks nothing of


@dataclass(frozen=True)
class Run:
    """A run that is asked for a picture with a grey half.

    Attributes:
        size: of the model and its decoder, "full" or "small".
        gradient: the mode; None: unguided.
        precision: of the model and the decoder; see `pack.weights`.
        files: the model and the decoder come from files, as `saving` wrote them, by the host's own loaders.
        compiled: by the host's TorchCompileModel.
        keep: the latent.
    """

    family: str
    size: str
    side: int
    steps: int
    decoder: str = "KL VAE"
    gradient: str | None = None
    precision: str = "the host's"
    method: str = "DSG"
    denoise: float = 1.0
    files: bool = False
    compiled: bool = False
    keep: bool = False

    @property
    def file(self) -> str:
        """Of the model, or of the decoder, below the host's folders of such."""
        return f"{self.family} {self.size} {self.decoder}"


def parts(graph: Graph, setting: Run) -> tuple[Slot, Slot, Slot]:
    """The model, its text and its decoder."""
    random = {"family": setting.family, "size": setting.size, "precision": setting.precision}
    made = graph.add("GPU_RandomModel", **random)
    if setting.files:
        model = graph.add("UNETLoader", unet_name=f"{setting.file}_00001_.safetensors", weight_dtype="default")
        vae = graph.add("VAELoader", vae_name=f"{setting.file}_00001_.safetensors")
        return [model, 0], [made, 1], [vae, 0]
    vae = graph.add("GPU_RandomDecoder", **random, decoder=setting.decoder)
    return [made, 0], [made, 1], [vae, 0]


def saving(setting: Run) -> dict:
    """A prompt that writes a random model and its decoder to where the host's loaders look."""
    graph = Graph()
    model, _, vae = parts(graph, replace(setting, files=False))
    graph.add("ModelSave", model=model, filename_prefix=f"diffusion_models/{setting.file}")
    graph.add("VAESave", vae=vae, filename_prefix=f"vae/{setting.file}")
    return graph.nodes


def prompt(setting: Run) -> dict:
    graph = Graph()
    model, text, vae = parts(graph, setting)
    if setting.compiled:
        model = [graph.add("TorchCompileModel", model=model, backend="inductor"), 0]
    positive, method = text, {}
    if setting.gradient:
        size = {"width": setting.side, "height": setting.side, "batch_size": 1}
        image = [graph.add("EmptyImage", **size, color=GREY), 0]
        mask = [graph.add("DSG_RandomMask", image=image, hidden=HIDDEN, seed=0), 0]
        asked = {"image": image, "mask": mask, "threshold": 0.5, "restore_known": False}
        positive = loss(graph, "DSG_MaskLoss", text, **asked)
        how = {"method": setting.method, "step_size": float(setting.method != "DSG"), "gradient": setting.gradient}
        method = {"method": [graph.add("DSG_GuidanceMethod", **how), 0]}
    latent = graph.add("EmptyLatentImage", width=setting.side, height=setting.side, batch_size=1)
    run = graph.add(
        "DSG_KSampler",
        model=[graph.add("GPU_Measured", model=model), 0],
        positive=positive,
        negative=text,
        latent_image=[latent, 0],
        vae=vae,
        seed=0,
        steps=setting.steps,
        cfg=1.0,
        scheduler="normal",
        denoise=setting.denoise,
        guidance_rate=0.5,
        **method,
    )
    graph.add("GPU_Measurements", report=[run, 1])
    if setting.keep:
        graph.add("SaveLatent", samples=[run, 0], filename_prefix="gpu")
    return graph.nodes
