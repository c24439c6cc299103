"""Diffusion models in the host's own classes."""

import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import psutil
import torch
from comfy_api.latest import io

from .shapes import FAMILIES, SHAPES, SIZES, Shape, fitting
from .weights import PRECISIONS, fill

WEIGHTS_SHARE = 0.4  # of the free memory that a model may take: the rest is for what is computed


def built(shape: Shape, precision: str):
    """The host's model of this shape, in that precision or in the one that the host takes for such a model."""
    config = getattr(comfy.supported_models, shape.kind)(shape.unet_config)
    dtype, cast = PRECISIONS[precision], None
    if dtype is None:
        device, offered = comfy.model_management.get_torch_device(), config.supported_inference_dtypes
        dtype = comfy.model_management.unet_dtype(device, supported_dtypes=offered)
        cast = comfy.model_management.unet_manual_cast(dtype, device, offered)
    config.set_inference_dtype(dtype, cast)
    return config.get_model({}, "", comfy.model_management.unet_offload_device())


def with_room(shape: Shape, precision: str) -> Shape:
    """The same, with as many blocks as there is memory for."""
    with torch.device("meta"):
        weights = built(shape, precision).diffusion_model.state_dict().values()
    size = sum(weight.numel() * weight.element_size() for weight in weights)
    free = comfy.model_management.get_free_memory(), psutil.virtual_memory().available
    return fitting(shape, WEIGHTS_SHARE * min(free) / size)


class RandomModel(io.ComfyNode):
    """A plain patcher in every host: dynamic ones come from files."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="GPU_RandomModel",
            category="test",
            inputs=[
                io.Combo.Input("family", options=FAMILIES),
                io.Combo.Input("size", options=SIZES),
                io.Combo.Input("precision", options=list(PRECISIONS)),
            ],
            outputs=[io.Model.Output("model"), io.Conditioning.Output("positive")],
        )

    @classmethod
    def execute(cls, family, size, precision):
        shape = SHAPES[family, size]
        model = built(with_room(shape, precision), precision)
        fill(model.diffusion_model)
        devices = comfy.model_management.get_torch_device(), comfy.model_management.unet_offload_device()
        generator = torch.Generator().manual_seed(1)
        text = torch.randn(1, shape.tokens, shape.width, generator=generator)
        pooled = torch.randn(1, shape.pooled, generator=generator)
        patcher = comfy.model_patcher.ModelPatcher(model, *devices)
        return io.NodeOutput(patcher, [[text, {"pooled_output": pooled}]])
