"""The graph that most tasks share: above, from left to right, what is known; below, the run that is steered to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tools.templates.layout import Node, Template, note
from tools.templates.models import FLUX, SD15, SDXL, ModelFile, files_note

NOTE_HEIGHT, FILES_HEIGHT, FILES_LINE, KNOWN_HEIGHT = 120, 26, 12, 460  # as Nodes 2.0 needs them
BELOW_LINKS = 300  # from the run's top: under the links that leave the first column
KNOWN_TITLE = "What is known"
RUN_TITLE = "The run: the model is steered towards it"
EMBEDDED_MODEL = "faces (flow matching)"  # the better of the two
WIDTHS = {2: [260, 250, 240, 265, 265, 225, 300], 3: [225, 225, 215, 215, 215, 220, 195, 270]}  # by columns of losses
SHOWN = 3  # the column where what is known is shown

TIME_AND_MEMORY = """**Time and memory:** a guided step takes two to three times the time of a plain step, and \
several times its memory; the sampler's *loss_decoder* has cheaper ones than the VAE."""


@dataclass(frozen=True)
class Family:
    """A kind of checkpoint that users have: its published file, and how the host's own templates sample it.

    Attributes:
        label: the end of a template's name.
        side: of its pictures, in pixels.
        latent: the host's node of its empty latent.
        sampler: the sampler's widgets.
        guidance: of a model that was distilled to it; it has no negative prompt.
    """

    label: str
    checkpoint: ModelFile
    side: int
    latent: str
    sampler: dict = field(default_factory=dict)
    guidance: float | None = None


STABLE_DIFFUSION = Family("SD 1.5", SD15, 512, "EmptyLatentImage", {"steps": 30, "cfg": 5.0})
STABLE_DIFFUSION_XL = Family("SDXL", SDXL, 1024, "EmptyLatentImage", {"steps": 30, "cfg": 5.0})
FLUX_DEV = Family("Flux", FLUX, 1024, "EmptySD3LatentImage", {"steps": 20, "cfg": 1.0, "scheduler": "simple"}, 3.5)


def embedded(
    name: str,
    text: str,
    known: Sequence[list[Node]],
    losses: Sequence[Node],
    file: str,
    rate: float = 0.2,
    steps: int = 20,
    networks: Sequence[Node] = (),
    automatic: bool = False,
    tiles: bool = False,
    method: str = "DSG",
    choice: Node | None = None,
) -> Template:
    """The task on the embedded model, for eight faces.

    Args:
        known: the source and what is made of it, at most three columns; the last node's output is shown. A fourth
            column is shown in its place. May be empty.
        losses: one to three, each without its conditioning; they are chained.
        file: prefix of the saved pictures.
        networks: the loaders of the losses' networks, at most three.
        automatic: the rate is found by itself.
        tiles: the pictures tile, and are decoded and shown so.
        method: of the guidance, on DSG's sphere.
        choice: what chooses the run's noises, without its links.
    """
    model = Node("model", "DSG_LoadEmbeddedModel", {"model_name": EMBEDDED_MODEL, "batch_size": 8})
    columns = [[model, *networks[:1]], [replace(network, top=BELOW_LINKS) for network in networks[1:2]]]
    sources = {"model": ("model", 0), "positive": ("model", 1), "negative": ("model", 2), "vae": ("model", 3)}
    sources["latent_image"] = ("model", 4)
    sampler: dict = {"steps": steps, "guidance_rate": rate}
    steering = steered_by(method)
    if automatic:
        steering["rate_blend"] = Node("rate", "DSG_AutomaticGuidanceRate")
    name = f"{name} (CPU)"
    return _guided(name, text, known, columns, losses, sources, sampler, file, steering, tiles, networks[2:], choice)


def pretrained(
    family: Family,
    name: str,
    text: str,
    known: Sequence[list[Node]],
    losses: Sequence[Node],
    prompt: str,
    file: str,
    rate: float = 0.2,
    networks: Sequence[Node] = (),
    tiles: bool = False,
    method: str = "DSG",
    choice: Node | None = None,
) -> Template:
    """The task on a published checkpoint; the note names its files. The arguments are those of `embedded`."""
    size = {"width": family.side, "height": family.side}
    model = Node("model", "CheckpointLoaderSimple", {"ckpt_name": family.checkpoint.name}, files=(family.checkpoint,))
    texts = {"positive": prompt, "negative": "" if family.guidance else "text, watermark, blurry"}
    prompts = [
        Node(key, "CLIPTextEncode", {"text": words}, {"clip": ("model", 1)}, f"{key.title()} prompt", height=100)
        for key, words in texts.items()
    ]
    latent = Node("latent", family.latent, size)
    sources = {"model": ("model", 0), "positive": ("positive", 0), "negative": ("negative", 0), "vae": ("model", 2)}
    sources["latent_image"] = ("latent", 0)
    columns = [[model, latent, *networks[:1]], [*prompts, *networks[1:2]]]
    if family.guidance:
        guided = Node("guided", "FluxGuidance", {"guidance": family.guidance}, {"conditioning": ("positive", 0)})
        columns.append([guided])
        sources["positive"] = ("guided", 0)
    files = [file for node in (model, *networks) for file in node.files]
    needed = files_note(files)
    text = f"{text}\n{TIME_AND_MEMORY} {needed}"
    sampler = family.sampler | {"guidance_rate": rate}
    name, steering, lines = f"{name} ({family.label})", steered_by(method), len(needed.splitlines())
    return _guided(
        name, text, known, columns, losses, sources, sampler, file, steering, tiles, networks[2:], choice, lines
    )


def steered_by(method: str) -> dict[str, Node]:
    """The sampler's `method`, which DSG needs none for."""
    inputs = {"method": method, "constraint": "spherical"}
    return {} if method == "DSG" else {"method": Node("method", "DSG_GuidanceMethod", inputs)}


def _guided(
    name: str,
    text: str,
    known: Sequence[list[Node]],
    columns: list[list[Node]],
    losses: Sequence[Node],
    sources: dict[str, tuple[str, int]],
    sampler: dict,
    file: str,
    steering: dict[str, Node],
    tiles: bool,
    networks: Sequence[Node],
    choice: Node | None,
    lines: int = 0,
) -> Template:
    """`networks`: those that the first columns have no room for; `lines`: of the note, about files."""
    before = [sources["positive"], *((loss.key, 0) for loss in losses)]
    decode = "DSG_SeamlessDecode" if tiles else "VAEDecode"
    steered = {socket: (node.key, 0) for socket, node in steering.items()}
    chain = [replace(loss, links={"conditioning": source, **loss.links}) for loss, source in zip(losses, before)]
    widths = WIDTHS[max(2, len(losses))]
    left = [*columns, *([loss] for loss in chain)]
    left[-1] += steering.values()
    links = sources | {"positive": before[-1]} | steered
    if choice:
        left[-1].append(replace(choice, widgets=choice.widgets | sampler, links=links))
        links = links | {"latent_image": (choice.key, 0), "seed": (choice.key, 1)}
    left[len(columns)] += networks
    left[len(columns) : len(columns)] = [[] for _ in range(len(widths) - 3 - len(left))]
    below = [
        *left,
        [Node("sampler", "DSG_KSampler", sampler, links)],
        [
            Node("decode", decode, {}, {"samples": ("sampler", 0), "vae": sources["vae"]}),
            Node("report", "DSG_GuidanceReport", {}, {"report": ("sampler", 1)}),
        ],
    ]
    note_height = NOTE_HEIGHT + (FILES_HEIGHT + lines * FILES_LINE if lines else 0)
    known_top = note_height + 110
    run_top = known_top + (KNOWN_HEIGHT if known else 0)
    above: list[list[Node]] = [[] for _ in below]
    if known:
        shown = Node("show", "PreviewImage", {}, {"images": (known[-1][-1].key, 0)}, title="Known", height=250)
        for place, nodes in ({SHOWN: [shown]} | dict(enumerate(known))).items():
            above[place] = [replace(nodes[0], top=known_top), *nodes[1:]]
    for nodes in filter(None, below):
        nodes[0] = replace(nodes[0], top=run_top + (nodes[0].top or 0))
    heights = [290, 290, 400] if tiles else [440, 530]
    results = [
        Node("save", "SaveImage", {"filename_prefix": f"DSG/{file}"}, {"images": ("decode", 0)}, title="Made", top=0),
        *([Node("tiling", "PreviewImage", {}, {"images": ("decode", 1)}, title="Tiled")] if tiles else []),
        Node("plot", "PreviewImage", {}, {"images": ("report", 0)}, title="The run"),
    ]
    results = [replace(node, height=height) for node, height in zip(results, heights)]
    rows = [[*top, *bottom] for top, bottom in zip(above, below)]
    rows[0].insert(0, note(text, 0, note_height, span=len(widths) - 2))
    groups = {KNOWN_TITLE: [node.key for column in above for node in column]} if known else {}
    groups[RUN_TITLE] = [node.key for column in below for node in column]
    return Template(name, widths, [*rows, results], groups)
