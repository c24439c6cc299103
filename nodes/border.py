"""The border of each node: what comes in is what its schema allows, and what goes wrong is said with its name.

The host compares what is typed into a widget with its limits, NaN aside, and never what comes through a link; it takes
any text for a drop-down's. So each node asks its own schema once more.
"""

import functools
import math
import textwrap
from numbers import Integral, Real
from typing import Any

from comfy_api.latest import io

from ..guidance_losses import InputError
from .model_files import FileNames


def guard(node: type[io.ComfyNode]) -> None:
    """Let a node's `execute` refuse values that its schema does not allow, and put its name before what it says.

    Then it raises ValueError, in one sentence that begins with the name the user sees.
    """
    execute = node.execute.__func__

    @functools.wraps(execute)
    def execute_checked(cls: type[io.ComfyNode], **inputs: Any) -> io.NodeOutput:
        schema = node.define_schema()
        try:
            for widget in schema.inputs:
                if widget.id in inputs:
                    check_value(widget, inputs[widget.id])
            return execute(cls, **inputs)
        except InputError as error:
            raise ValueError(f"{schema.display_name}: {error}") from error

    node.execute = classmethod(execute_checked)


def check_value(widget: io.Input, value: Any) -> None:
    """Raises InputError, in one sentence, for a value that the widget would not give.

    That a file is not there is said by `ModelFiles.path`, with the folders that were searched.
    """
    match widget:
        case io.Int.Input() if not _is_within(widget, value) or not isinstance(value, Integral):
            wanted = f"a whole number from {widget.min:g} to {widget.max:g}"
        case io.Float.Input() if not _is_within(widget, value):
            wanted = f"a number from {widget.min:g} to {widget.max:g}"
        case io.Combo.Input(options=options) if value not in options and not isinstance(options, FileNames):
            wanted = "one of " + ", ".join(map(str, options))
        case io.String.Input() if not isinstance(value, str):
            wanted = "a text"
        case _:
            return
    given = textwrap.shorten(repr(value), 60, placeholder="…")
    raise InputError(f"{widget.id} is {given} and must be {wanted}; change it, or the node that is linked to it.")


def _is_within(widget: io.Float.Input | io.Int.Input, value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(value) and widget.min <= value <= widget.max
