"""Reward: how much people are taken to like the picture, by a model of their choices, up to a goal.

Two kinds. A head on CLIP's features of a picture (LAION's aesthetic predictors, see `networks.reward_head`) knows what
people rated high. A CLIP that was trained on people's choices between pictures of one prompt (Kirstain et al.,
"Pick-a-Pic", NeurIPS 2023, arXiv 2305.01569; Wu et al., "HPS v2", 2023, arXiv 2306.09341) knows the picture that they
would have taken, by its cosine with the prompt.

A reward that is pushed without end is pleased by pictures that no one likes (Gao et al., ICML 2023, arXiv 2210.10760,
of language models; Clark et al., "DRaFT", ICLR 2024, arXiv 2309.17400, of pictures). So this one ends at a goal, as the
hinge of Xu et al., "ImageReward", NeurIPS 2023, arXiv 2304.05977: above it the loss and its gradient are 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .input_error import InputError
from .networks.clip import ClipNetwork
from .networks.reward_head import RewardHead

COSINES = 100  # a prompt's reward is so many times the cosine, as PickScore counts


@dataclass(frozen=True, eq=False)
class RewardLoss:
    """What the reward lacks of the goal; 0 where it lacks nothing.

    Attributes:
        network: a CLIP. It sees every picture stretched to its own square.
        goal: in the reward's own units: LAION's heads go from 1 to 10; a prompt's reward from -100 to 100.
        head: its score is the reward; or else
        prompt: 100 times the cosine with this text is.
    """

    network: ClipNetwork
    goal: float
    head: RewardHead | None = None
    prompt: str = ""
    name: str = "reward"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Raises InputError, in one sentence, if the head belongs to another CLIP, or the prompt is too long."""
        with torch.no_grad():
            head = self._cosine() if self.head is None else self._checked(self.head, height, width, device)
        return lambda images: (self.goal - head(self.network.encode_images(images))).clamp(min=0)

    def compared(self, images: Tensor) -> tuple[str, Tensor]:
        """The pictures: the network sees all of them."""
        return self.prompt or f"{self.goal:g}", images

    def _cosine(self) -> Callable[[Tensor], Tensor]:
        """The prompt in the place of a head."""
        (wanted,) = self.network.encode_texts([self.prompt])
        return lambda features: COSINES * (features @ wanted)

    def _checked(self, head: RewardHead, height: int, width: int, device: torch.device) -> RewardHead:
        grey = torch.full((1, 3, height, width), 0.5, dtype=self.network.mean.dtype, device=device)
        there = self.network.encode_images(grey).shape[1]
        if there != head.width:
            raise InputError(
                f"this head reads {head.width} features of a picture, and this CLIP gives {there}; load the CLIP that "
                "it was trained with."
            )
        return head
