"""The loss that says how well people are taken to like the picture."""

from comfy_api.latest import io

from ..guidance_losses import InputError, RewardLoss
from ..guidance_losses.networks.clip import ClipNetwork
from ..guidance_losses.networks.reward_head import RewardHead
from ..host import LoadedNetwork
from .loss_node import LossNode, LossSchema, MadeLoss
from .sockets import ClipSocket, RewardHeadSocket


class RewardLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_RewardLoss",
            display_name="Reward Loss",
            description="People shall like the picture, by a model of their choices: an aesthetic head on a CLIP, or a "
            "CLIP such as PickScore and HPSv2.",
            inputs=[
                ClipSocket.Input("clip", tooltip="From Load CLIP (open_clip): the head's, or PickScore or HPSv2."),
                io.String.Input(
                    "prompt",
                    default="",
                    multiline=True,
                    tooltip="What the picture was asked to show, for a CLIP that knows people's choices. Empty with a "
                    "head.",
                ),
                io.Float.Input(
                    "goal",
                    default=6.5,
                    min=-100.0,
                    max=100.0,
                    step=0.1,
                    tooltip="The loss ends here, since rewards without end are pleased by what nobody likes. LAION's "
                    "heads: 1 to 10, and 6.5 is rare. A prompt: 100 times the cosine; PickScore gives 20 to 23.",
                ),
            ],
            further_inputs=[
                RewardHeadSocket.Input("head", optional=True, tooltip="From Load Reward Head; or else a prompt.")
            ],
        )

    @classmethod
    def make_loss(
        cls, clip: LoadedNetwork[ClipNetwork], prompt: str, goal: float, head: LoadedNetwork[RewardHead] | None = None
    ) -> MadeLoss:
        prompt = prompt.strip()
        if bool(prompt) == (head is not None):
            raise InputError("give one thing that is to be pleased, either a head (Load Reward Head) or a prompt.")
        clip.module.check_text(prompt)
        if head is None:
            return MadeLoss(RewardLoss(clip.module, goal, prompt=prompt), [clip.patcher])
        return MadeLoss(RewardLoss(clip.module, goal, head.module), [clip.patcher, head.patcher])
