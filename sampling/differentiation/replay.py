"""A pass that is taken a second time must be the same pass: with the same random numbers, and from the same state.

Some patches of a model draw random numbers in each pass (merged tokens, random tiles), others count the passes or keep
a running average of them. To these a second pass of the same step would be another step.
"""

import contextlib
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch

Again = Callable[[], AbstractContextManager[None]]
Remember = Callable[[], Again]


def random_numbers(device: torch.device | None = None) -> Again:
    """Remember the global random generators, and the device's: within the context that it gives, they draw the same.

    Afterwards they go on as if nothing had been drawn in between.
    """
    return replaying(_generators(device))


def replaying(*states: tuple[Callable[[], object], Callable[[object], None]]) -> Again:
    """Remember what each `get` gives now, and `set` it again for the span of a context, as often as wanted."""
    then = [get() for get, _ in states]

    @contextlib.contextmanager
    def again() -> Iterator[None]:
        now = [get() for get, _ in states]
        try:
            for (_, put), state in zip(states, then):
                put(state)
            yield
        finally:
            for (_, put), state in zip(states, now):
                put(state)

    return again


def all_again(*parts: Again) -> Again:
    """One context of several."""

    @contextlib.contextmanager
    def again() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for part in parts:
                stack.enter_context(part())
            yield

    return again


def _generators(device: torch.device | None) -> tuple[Callable[[], object], Callable[[object], None]]:
    accelerator = None if device is None or device.type == "cpu" else torch.get_device_module(device)

    def get() -> object:
        own = accelerator.get_rng_state() if accelerator else None
        return torch.get_rng_state(), own, random.getstate(), np.random.get_state()

    def put(state: Any) -> None:
        cpu, own, python, numpy = state
        torch.set_rng_state(cpu)
        if accelerator:
            accelerator.set_rng_state(own)
        random.setstate(python)
        np.random.set_state(numpy)

    return get, put
