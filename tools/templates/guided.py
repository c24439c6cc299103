"""The graph that most tasks share: above, what is known; below, the model and its losses; right of both, the run."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle

from tools.templates.layout import GROUP_TOP, Node, Template, note
from tools.templates.models import FLUX, SD15, SDXL, ModelFile, files_note

NOTE_HEIGHT, FILES_HEIGHT, FILES_LINE = 120, 26, 12  # as Nodes 2.0 needs them
KNOWN_COLUMNS, KNOWN_HEIGHT, SAMPLER_ABOVE = 4, 425, 170
RESULTS = {4: [None, 360, None, 310], 5: [None, 210, None, 200, 200]}  # their heights
KNOWN_TITLE = "What is known"
LOSSES_TITLE = "The model, and what its pictures must satisfy"
EMBEDDED_MODEL = "faces (flow matching)"  # the better of the two
# By the number of columns on the left: these, the sampler's and the results'.
WIDTHS = {3: [225, 285, 295, 280, 340], 4: [225, 230, 230, 235, 235, 265], 5: [*[225] * 6, 265]}

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
    model_name: str = EMBEDDED_MODEL,
) -> Template:
    """The task on an embedded model, for eight faces.

    Args:
        known: the source and what is made of it, at most three columns; the last node's output is shown. A fourth
            column is shown in its place. May be empty.
        losses: one to three, each without its conditioning; they are chained.
        file: prefix of the saved pictures.
        networks: the loaders of the losses' networks.
        automatic: the rate is found by itself.
        tiles: the pictures tile, and are decoded and shown so.
        method: of the guidance, on DSG's sphere.
        choice: what chooses the run's noises, without its links.
    """
    model = Node("model", "DSG_LoadEmbeddedModel", {"model_name": model_name, "batch_size": 8})
    sources = {"model": ("model", 0), "positive": ("model", 1), "negative": ("model", 2), "vae": ("model", 3)}
    sources["latent_image"] = ("model", 4)
    sampler: dict = {"steps": steps, "guidance_rate": rate}
    steering = steered_by(method)
    if automatic:
        steering["rate_blend"] = Node("rate", "DSG_AutomaticGuidanceRate")
    name = f"{name} (CPU)"
    return _guided(name, text, known, [[model]], losses, sources, sampler, file, steering, tiles, networks, choice)


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
    columns = [[model, latent], prompts]
    if family.guidance:
        guided = Node("guided", "FluxGuidance", {"guidance": family.guidance}, {"conditioning": ("positive", 0)})
        columns.append([guided])
        sources["positive"] = ("guided", 0)
    files = [file for node in (model, *networks) for file in node.files]
    needed = files_note(files)
    text = f"{text}\n{TIME_AND_MEMORY} {needed}"
    sampler = family.sampler | {"guidance_rate": rate}
    name, steering, lines = f"{name} ({family.label})", steered_by(method), len(needed.splitlines())
    return _guided(name, text, known, columns, losses, sources, sampler, file, steering, tiles, networks, choice, lines)


def steered_by(method: str) -> dict[str, Node]:
    """The sampler's `method`, which DSG needs none for."""
    inputs = {"method": method, "constraint": "spherical"}
    return {} if method == "DSG" else {"method": Node("method", "DSG_GuidanceMethod", inputs)}


def _spread(first: Sequence[list[Node]], last: Sequence[list[Node]], count: int) -> list[list[Node]]:
    """Columns from the left and from the right; between them, empty ones."""
    return [[*nodes] for nodes in (*first, *([] for _ in range(count - len(first) - len(last))), *last)]


def _place(networks: Sequence[Node], above: list[list[Node]], below: list[list[Node]]) -> None:
    """Put loaders where a column is free before the losses, two in each; or below small nodes; or below the model."""
    free = [nodes for nodes in (*(above if any(above) else []), *below) if not nodes]
    small = [nodes for nodes in above[:-1] if nodes and not any(node.height for node in nodes)]
    places = [*free, *free, *small, *below[:1]]
    for place, network in zip(cycle(places), networks):
        place.append(network)


def _results(file: str, tiles: bool, vae: tuple[str, int]) -> list[Node]:
    """How the run went, and what it made. Nothing is below the sampler, which grows for its chart."""
    decode, decoded = "DSG_SeamlessDecode" if tiles else "VAEDecode", {"samples": ("sampler", 0), "vae": vae}
    results = [
        Node("report", "DSG_GuidanceReport", {}, {"report": ("sampler", 1)}, top=0),
        Node("plot", "PreviewImage", {}, {"images": ("report", 0)}, title="The run"),
        Node("decode", decode, {}, decoded),
        Node("save", "SaveImage", {"filename_prefix": f"DSG/{file}"}, {"images": ("decode", 0)}, title="Made"),
        *([Node("tiling", "PreviewImage", {}, {"images": ("decode", 1)}, title="Tiled")] if tiles else []),
    ]
    return [replace(node, height=height) for node, height in zip(results, RESULTS[len(results)])]


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
    """`lines`: of the note, about files."""
    before = [sources["positive"], *((loss.key, 0) for loss in losses)]
    chain = [replace(loss, links={"conditioning": source, **loss.links}) for loss, source in zip(losses, before)]
    links = sources | {"positive": before[-1]} | {socket: (node.key, 0) for socket, node in steering.items()}
    beside = [*steering.values()]
    if choice:
        beside.append(replace(choice, widgets=choice.widgets | sampler, links=links))
        links = links | {"latent_image": (choice.key, 0), "seed": (choice.key, 1)}
    last = [[loss] for loss in chain] + ([beside] if beside else [])
    if 0 < len(known) < KNOWN_COLUMNS:
        shown = Node("show", "PreviewImage", {}, {"images": (known[-1][-1].key, 0)}, title="Known", height=250)
        known = [*known, [shown]]
    count = max(len(columns) + len(last), len(known), min(WIDTHS))
    above, below = _spread(known[:-1], known[-1:], count), _spread(columns, last, count)
    _place(networks, above, below)
    note_height = NOTE_HEIGHT + (FILES_HEIGHT + lines * FILES_LINE if lines else 0)
    top = note_height + GROUP_TOP
    lower_top = top + KNOWN_HEIGHT if known else top
    for nodes, at in [(nodes, top) for nodes in above] + [(nodes, lower_top) for nodes in below]:
        nodes[:1] = [replace(node, top=at) for node in nodes[:1]]
    sampler_top = lower_top - SAMPLER_ABOVE if known else top
    run = [Node("sampler", "DSG_KSampler", sampler, links, top=sampler_top)]
    rows = [[*upper, *lower] for upper, lower in zip(above, below)]
    rows[0].insert(0, note(text, 0, note_height, span=count + 1))
    groups = {KNOWN_TITLE: above, LOSSES_TITLE: below}
    keys = {title: [node.key for column in group for node in column] for title, group in groups.items()}
    return Template(
        name,
        WIDTHS[count],
        [*rows, run, _results(file, tiles, sources["vae"])],
        {title: found for title, found in keys.items() if found},
    )
