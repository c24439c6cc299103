"""The graph that most tasks share: above, from left to right, what is known; below, the run that is steered to it."""

from collections.abc import Sequence
from dataclasses import replace

from tools.templates.layout import Node, Template, note

KNOWN_TOP, RUN_TOP = 230, 690
LOSS_COLUMNS = 2  # left of the sampler's
BELOW_LINKS = 300  # from the run's top: under the links that leave the first column
KNOWN_TITLE = "What is known"
RUN_TITLE = "The run: the model is steered towards it"
EMBEDDED_MODEL = "faces (flow matching)"  # the better of the two
CHECKPOINT = "v1-5-pruned-emaonly-fp16.safetensors"

TIME_AND_MEMORY = """**Time and memory:** a guided step takes two to three times the time of a plain step, and \
several times its memory. Its *loss_decoder* input has cheaper ones than the VAE.
"""


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
) -> Template:
    """The task on the embedded model, for eight faces.

    Args:
        known: the source and what is made of it, at most three columns; the last node's output is shown. May be empty.
        losses: one or two, each without its conditioning; they are chained.
        file: prefix of the saved pictures.
        networks: the loaders of the losses' networks, at most two.
        automatic: the rate is found by itself.
        tiles: the pictures tile, and are decoded and shown so.
        method: of the guidance, on DSG's sphere.
    """
    model = Node("model", "DSG_LoadEmbeddedModel", {"model_name": EMBEDDED_MODEL, "batch_size": 8})
    columns = [[model, *networks[:1]], [replace(network, top=BELOW_LINKS) for network in networks[1:]]]
    sources = {"model": ("model", 0), "positive": ("model", 1), "negative": ("model", 2), "vae": ("model", 3)}
    sources["latent_image"] = ("model", 4)
    sampler = {"steps": steps, "guidance_rate": rate}
    steering = steered_by(method)
    if automatic:
        steering["rate_blend"] = Node("rate", "DSG_AutomaticGuidanceRate")
    return _guided(
        f"{name} (embedded model, CPU)", text, known, columns, losses, sources, sampler, file, steering, tiles
    )


def stable_diffusion(
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
) -> Template:
    """The task on a Stable Diffusion checkpoint, 512×512. The arguments are those of `embedded`."""
    model = [Node("model", "CheckpointLoaderSimple", {"ckpt_name": CHECKPOINT}), Node("latent", "EmptyLatentImage")]
    texts = {"positive": prompt, "negative": "text, watermark, blurry"}
    prompts = [
        Node(key, "CLIPTextEncode", {"text": words}, {"clip": ("model", 1)}, f"{key.title()} prompt", height=100)
        for key, words in texts.items()
    ]
    columns = [[*model, *networks[:1]], [*prompts, *networks[1:]]]
    sources = {"model": ("model", 0), "positive": ("positive", 0), "negative": ("negative", 0), "vae": ("model", 2)}
    sources["latent_image"] = ("latent", 0)
    sampler = {"steps": 30, "cfg": 5.0, "guidance_rate": rate}
    return _guided(
        f"{name} (Stable Diffusion)", text, known, columns, losses, sources, sampler, file, steered_by(method), tiles
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
) -> Template:
    before = [sources["positive"], *((loss.key, 0) for loss in losses)]
    decode = "DSG_SeamlessDecode" if tiles else "VAEDecode"
    steered = {socket: (node.key, 0) for socket, node in steering.items()}
    chain = [replace(loss, links={"conditioning": source, **loss.links}) for loss, source in zip(losses, before)]
    below = [
        *columns,
        *[[], *([loss] for loss in chain[:-1]), [chain[-1], *steering.values()]][-LOSS_COLUMNS:],
        [Node("sampler", "DSG_KSampler", sampler, sources | {"positive": before[-1]} | steered)],
        [
            Node("decode", decode, {}, {"samples": ("sampler", 0), "vae": sources["vae"]}),
            Node("report", "DSG_GuidanceReport", {}, {"report": ("sampler", 1)}),
        ],
    ]
    above: list[list[Node]] = [[] for _ in below]
    if known:
        shown = Node("show", "PreviewImage", {}, {"images": (known[-1][-1].key, 0)}, title="Known", height=250)
        for place, nodes in [*enumerate(known), (3, [shown])]:
            above[place] = [replace(nodes[0], top=KNOWN_TOP), *nodes[1:]]
    run_top = RUN_TOP if known else KNOWN_TOP
    for nodes in filter(None, below):
        nodes[0] = replace(nodes[0], top=run_top + (nodes[0].top or 0))
    results = [
        Node("save", "SaveImage", {"filename_prefix": f"DSG/{file}"}, {"images": ("decode", 0)}, "Made", 0, 440),
        Node("plot", "PreviewImage", {}, {"images": ("report", 0)}, title="The run", height=530),
    ]
    if tiles:
        results.insert(1, Node("tiling", "PreviewImage", {}, {"images": ("decode", 1)}, title="Tiled", height=440))
    rows = [[*top, *bottom] for top, bottom in zip(above, below)]
    rows[0].insert(0, note(text, 0, 120, span=5))
    groups = {KNOWN_TITLE: [node.key for column in above for node in column]} if known else {}
    groups[RUN_TITLE] = [node.key for column in below for node in column]
    return Template(name, [260, 250, 240, 265, 265, 225, 300], [*rows, results], groups)
