"""The border of each node: what comes in is what its schema allows, and what goes wrong is said with its name.

The host compares what is typed into a widget with its limits, NaN aside, and never what comes through a link; it takes
any text for a drop-down's, and anything for a socket that another pack's node calls by its type. So each node asks its
own schema once more.
"""

import functools
import textwrap
from typing import Any

import comfy.model_management
from comfy_api.latest import io

from ..guidance_losses import InputError, shown
from ..sampling.differentiation.memory import is_out_of_memory
from .input_checks import CHECKS

PACK = "DSG"  # what a run says begins with it, and is whole


def guard(node: type[io.ComfyNode]) -> None:
    """Let a node's `execute` refuse what its schema does not allow, and put its name before what it says.

    Then it raises ValueError, or RuntimeError for what a library says, in one sentence that begins with the name the
    user sees.
    """
    execute = node.execute.__func__

    @functools.wraps(execute)
    def execute_checked(cls: type[io.ComfyNode], /, **inputs: Any) -> io.NodeOutput:
        schema = node.define_schema()
        try:
            return execute(cls, **allowed(schema, inputs))
        except comfy.model_management.InterruptProcessingException:
            raise
        except InputError as error:
            raise error.at(schema.display_name) from error
        except Exception as error:
            if is_out_of_memory(error) or str(error).startswith((PACK, schema.display_name)):
                raise
            raise RuntimeError(
                f"{schema.display_name}: something in ComfyUI or in a library failed; check that the things that are "
                f"connected belong together. (It says: {type(error).__name__}: {textwrap.shorten(str(error), 90)})"
            ) from error

    node.execute = classmethod(execute_checked)


def allowed(schema: io.Schema, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs as they are, but for optional ones that hold nothing.

    Raises:
        InputError: in one sentence, for one that the schema does not allow.
    """
    known = {each.id: each for each in schema.inputs}
    strange = [name for name in inputs if name not in known]
    if strange:
        raise InputError(f"there is no input {shown(strange[0])}; remove its link, or put the node anew.")
    given = {name: value for name, value in inputs.items() if value is not None or not known[name].optional}
    for name, value in given.items():
        CHECKS[known[name].get_io_type()](known[name], value)
    return given
