"""What went wrong in a run, in one sentence."""

import contextlib
import textwrap
from collections.abc import Iterator

import comfy.model_management

from ..sampling.differentiation.memory import is_out_of_memory
from ..sampling.loss_error import LossError


@contextlib.contextmanager
def explained_errors() -> Iterator[None]:
    """Say in one sentence what it means if memory ends for good, if things of several models are connected, or if some
    part of the model has no backward pass."""
    try:
        yield
    except LossError as error:
        raise ValueError(f"DSG: {error}") from error
    except (RuntimeError, NotImplementedError) as error:
        if str(error).startswith("DSG"):  # explained already
            raise
        if is_out_of_memory(error):
            raise comfy.model_management.OOM_EXCEPTION(
                "DSG: memory ran out where no cheaper gradient helps; make the picture or the batch smaller, or apply "
                f"fewer losses. (PyTorch says: {textwrap.shorten(str(error), 90)})"
            ) from error
        if _is_about_shapes(error):
            raise RuntimeError(
                "DSG: the model cannot take what is connected to it; connect conditionings, latent and VAE that belong "
                f"to it, of a size that it takes. (PyTorch says: {textwrap.shorten(str(error), 90)})"
            ) from error
        if not _is_about_gradients(error):
            raise
        raise RuntimeError(
            "DSG: this model gives no gradient: some quantized weights, compiled models and attention kernels have "
            "none. Set gradient to finite difference in the Guidance Method node, or use the plain model. "
            f"(PyTorch says: {textwrap.shorten(str(error), 90)})"
        ) from error


def _is_about_shapes(error: Exception) -> bool:
    words = (
        "mat1 and mat2",
        "sizes of tensors must match",
        "the size of tensor",
        "to have",
        "shape",
        "must be equal to",
    )
    return any(word in str(error).lower() for word in words)


def _is_about_gradients(error: Exception) -> bool:
    words = ("grad", "backward", "derivative", "differentia", "autograd", "inference tensor")
    return any(word in str(error).lower() for word in words)
