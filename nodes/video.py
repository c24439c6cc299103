"""Losses on videos: on chosen frames, and on several together."""

from comfy_api.latest import io

from ..guidance_losses import FrameChoice, InputError, LoopLoss, SmoothnessLoss
from ..host import choose_frames, losses_on
from .loss_node import LossNode, LossSchema, MadeLoss


class GuidedFrames(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_GuidedFrames",
            display_name="Guided Frames",
            category="DSG/guidance",
            description="Of a video, the losses look at these frames alone, and only these are decoded for them.",
            inputs=[
                io.Conditioning.Input("conditioning", tooltip="With the losses. Those that have frames keep theirs."),
                io.String.Input(
                    "frames",
                    default="first, last",
                    tooltip="first, last, all, every 8, numbers from 0 such as 0, 8, 16, or 4-8, with commas between.",
                ),
            ],
            outputs=[io.Conditioning.Output("guided", display_name="conditioning")],
        )

    @classmethod
    def execute(cls, conditioning: list, frames: str) -> io.NodeOutput:
        choice = FrameChoice.of(frames)
        losses = losses_on(conditioning).values()
        if all(applied.frames for applied in losses):
            raise InputError(
                "no loss before this node is without frames of its own; put it behind the losses that it is for."
            )
        return io.NodeOutput(choose_frames(conditioning, choice, cls.define_schema().display_name))


class LoopLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_LoopLoss",
            display_name="Loop Loss",
            description="The video's last frame meets the first, and moves on as that does.",
            inputs=[],
        )

    @classmethod
    def make_loss(cls) -> MadeLoss:
        return MadeLoss(LoopLoss())


class SmoothnessLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_SmoothnessLoss",
            display_name="Smoothness Loss",
            description="The video neither flickers nor jerks: each step from frame to frame is like the one before.",
            inputs=[],
        )

    @classmethod
    def make_loss(cls) -> MadeLoss:
        return MadeLoss(SmoothnessLoss())
