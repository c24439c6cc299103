"""What people, workflows of other versions and other packs may give a node, drawn at random."""

import math

from hypothesis import strategies as st

HTML = "<img src=x onerror=alert(1)>"
TEXTS = [
    "",
    " ",
    "\x00",
    "3",
    "-1",
    "nan",
    "1e999",
    "0,1,2",
    "hair:2, skin",
    "skin:nan",
    "../../etc/passwd",
    "/dev/zero",
    "C:\\Windows",
    "{}",
    "☃" * 9,
    "\ud800",
    HTML,
    "$\\frac{",
    "x" * 10_001,
    "1," * 4_000,
    "a word " * 1_000,
    "first\nsecond",
]
NUMBERS = [0, 1, -1, 2, 3, 7, 2**31, 2**63, -(2**63), 10**30, 0.0, 0.5, -0.5, 1.5, 1e-300, 1e300, math.nan, math.inf]
LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 64, 65, 100]
HUGE = [[1, 20_000, 20_000, 3], [100_000, 64, 64, 3], [1, 1, 10**7, 1], [2**31, 1, 1, 1], [2**40], [1, 64, 10**6]]
DTYPES = ["float32", "float64", "float16", "bfloat16", "uint8", "int8", "int64", "bool", "complex64"]
FILLS = ["random", 0.0, 1.0, -1.0, 255.0, 1e30, 1e200, math.nan, math.inf, -math.inf]

numbers = st.sampled_from(NUMBERS) | st.integers(-20, 20) | st.floats(-2, 2)
texts = st.sampled_from(TEXTS) | st.text(max_size=20)
plain = numbers | texts | st.booleans() | st.none()
things = plain | st.lists(plain, max_size=3) | st.dictionaries(st.text("abc", max_size=2), plain, max_size=2)
shapes = st.lists(st.sampled_from(LENGTHS), max_size=6).filter(lambda shape: math.prod(shape) <= 10**6)
pictures = st.tuples(st.integers(0, 4), st.integers(0, 100), st.integers(0, 100), st.integers(0, 5)).map(list)
masks = st.tuples(st.integers(0, 4), st.integers(0, 100), st.integers(0, 100)).map(list)
sizes = st.tuples(st.just(1), st.integers(1, 100), st.integers(1, 100), st.just(3)).map(list)
latents = st.tuples(st.integers(0, 3), st.sampled_from([1, 3, 4, 12, 16]), *[st.sampled_from([0, 1, 2, 7, 16, 32])] * 2)


def tensors(shape: st.SearchStrategy) -> st.SearchStrategy:
    """Plans of tensors; see `made` in odd_inputs.py."""
    plain = st.fixed_dictionaries({"shape": shape, "dtype": st.just("float32"), "fill": st.just("random")})
    odd = st.fixed_dictionaries({"shape": shape, "dtype": st.sampled_from(DTYPES), "fill": st.sampled_from(FILLS)})
    huge = {"shape": st.sampled_from(HUGE), "dtype": st.just("float32"), "fill": st.just(0.5)}
    return plain | odd | st.fixed_dictionaries(huge)


tensor = tensors(shapes)
conditionings = st.lists(st.tuples(tensor | st.none(), st.just({})).map(list), max_size=2)
latent_dicts = st.fixed_dictionaries(
    {"samples": tensors(latents.map(list)) | tensor},
    optional={
        "noise_mask": tensors(masks) | things,
        "batch_index": st.lists(st.integers(-1, 3) | st.just(10**12), max_size=3) | things,
    },
)
others = st.sampled_from([{"library": name} for name in ("array", "function", "class", "module")])
of_kind = {
    "IMAGE": tensors(pictures) | tensors(sizes),
    "MASK": tensors(masks) | tensors(sizes.map(lambda size: size[:3])),
    "LATENT": latent_dicts,
    "CONDITIONING": conditionings,
}


def linked(kind: str) -> st.SearchStrategy:
    """Plans of what a link may bring to a socket of this kind: most often what looks like it."""
    anything = things | tensor | latent_dicts | conditionings | others
    return of_kind[kind] | of_kind[kind] | anything if kind in of_kind else anything


def typed(kind: str) -> st.SearchStrategy:
    """What the API may bring in a widget's place."""
    return {"INT": numbers | plain, "FLOAT": numbers | plain, "STRING": texts | things}.get(kind, things).filter(
        is_json
    )


def is_json(value: object) -> bool:
    """No list, which would be a link."""
    return not isinstance(value, list)
