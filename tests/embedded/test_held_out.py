"""The held-out people: two pictures each, with maps and facts that belong to them."""

import numpy as np

from embedded.face_data import CLASSES
from embedded.held_out import PEOPLE, STYLES, held_out_faces, held_out_facts, held_out_maps


def test_both_pictures_show_the_same_person():
    first, second = held_out_facts(0), held_out_facts(1)
    assert len(first) == len(second) == PEOPLE
    assert len({facts["person"] for facts in first}) == PEOPLE
    for one, other in zip(first, second):
        assert all(
            one[name] == other[name] for name in ("person", "style", "skin", "hair_color", "beard", "hair_length")
        )
    assert any(one["background"] != other["background"] for one, other in zip(first, second))


def test_all_are_of_the_test_split_and_the_styles_take_turns():
    facts = held_out_facts()
    assert all(fact["seed"] >= 2_000_000_000 for fact in facts + held_out_facts(1))
    assert [fact["style"] for fact in facts] == [*STYLES] * (PEOPLE // len(STYLES))


def test_maps_belong_to_the_first_pictures():
    """The pixels of the background are of one colour, and it is named in the facts."""
    faces, maps, facts = held_out_faces(), held_out_maps(), held_out_facts()
    assert maps.max() < len(CLASSES)
    by_name: dict[str, list[np.ndarray]] = {}
    for face, classes, fact in zip(faces, maps, facts):
        background = face[classes == CLASSES.index("background")]
        colour = np.median(background, axis=0)
        assert (np.abs(background - colour).max(axis=1) < 8).mean() > 0.8
        by_name.setdefault(fact["background"], []).append(colour)
    for colours in by_name.values():
        assert np.ptp(colours, axis=0).max() <= 1


def test_captions_tell_what_is_known():
    facts = held_out_facts(0) + held_out_facts(1)
    for fact in facts:
        assert f"{fact['style']} style" in fact["caption"]
        assert fact["clothes_color"] in fact["caption"]
    glasses = [fact["eyewear"] is not None for fact in facts]
    assert glasses == ["glasses" in fact["caption"] for fact in facts]
