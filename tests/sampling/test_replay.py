"""A second pass sees what the first one saw, and leaves behind what the first one left."""

import random

import numpy as np
import torch

from sampling.differentiation.replay import all_again, random_numbers, replaying


def drawn() -> list[float]:
    return [float(torch.rand(())), random.random(), float(np.random.rand())]  # noqa: S311


def test_random_numbers_are_drawn_again_and_then_go_on():
    again = random_numbers()
    first, later = drawn(), None
    with again():
        assert drawn() == first
    later = drawn()
    assert later != first
    with again():
        assert drawn() == first
        assert drawn() == later


def test_what_was_then_is_put_back_and_what_is_now_after_it():
    value = [1]
    again = replaying((lambda: value[0], lambda old: value.__setitem__(0, old)))
    value[0] = 2
    with all_again(again, random_numbers())():
        assert value == [1]
        value[0] = 3
    assert value == [2]
