"""Reward: people shall like the picture, as far as a model of their choices tells."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node
from tools.templates.networks import aesthetic_head, large_clip

PROMPT_HEIGHT = 270

EMBEDDED = embedded(
    "21 Reward",
    """## Reward

Press **Run**. How well a face fits the prompt, in the eyes of the miniature CLIP, stands here for how well people \
would like it. The loss ends at a *goal*: a reward that is pushed without end is pleased by what nobody likes.

**Try:** a *goal* of 100, which is none, and compare the faces; another *prompt*.
""",
    [],
    [
        Node(
            "loss",
            "DSG_RewardLoss",
            {"prompt": "a person in a red shirt", "goal": 20.0},
            {"clip": ("network", 0)},
            height=PROMPT_HEIGHT,
        )
    ],
    "reward",
    rate=0.1,
    steps=50,
    networks=[Node("network", "DSG_LoadCLIP", {"clip_name": "faces"})],
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "21 Reward",
    """## Reward

Press **Run**. LAION's aesthetic head reads a score off a CLIP's features of the picture, from 1 to 10, and it is \
pushed up to the *goal*. **Try** a lower *goal* or *guidance_rate* where pictures become glossy.
""",
    [],
    [
        Node(
            "loss",
            "DSG_RewardLoss",
            {"goal": 6.5, "start_percent": 0.2, "end_percent": 0.8},
            {"clip": ("network", 0), "head": ("head", 0)},
        )
    ],
    "a fishing village at dawn, boats in the harbour",
    "reward",
    rate=0.1,
    networks=[large_clip("network"), aesthetic_head("head")],
)

TEMPLATES = [EMBEDDED, SD15]
