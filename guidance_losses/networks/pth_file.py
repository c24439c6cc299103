"""PyTorch's files of weights, `.pth`, `.pt` and `.bin`, without PyTorch's unpickler.

Such a file is a pickle, a program that builds what was saved, and the numbers beside it: in a zip archive since 2020,
one after the other before. Here the program may make dicts, lists, plain values, and declarations of tensors; nothing
else exists for it. The declarations are compared with the size of the file before a number is read.
"""

import functools
import io
import math
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

import torch
from torch import Tensor

from ..input_error import InputError
from .model_file import real_file

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # what files of before 2020 begin with, pickled
UNTRUE = "it is damaged: it declares other weights than it holds; download it again"
NO_WEIGHTS = "it holds no network's weights by their names; take {wanted}"
STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Storage(NamedTuple):
    """A run of numbers in the file, by its key there."""

    key: str
    dtype: torch.dtype
    length: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.length * self.dtype.itemsize


class Declaration(NamedTuple):
    """A tensor as the file declares it: a view of a storage; offset and stride in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def size(self) -> int:
        """In bytes, laid out by itself."""
        return math.prod(self.shape) * self.storage.dtype.itemsize


class Group(dict):
    """In place of an OrderedDict."""


def group() -> Group:
    return Group()


def declaration(storage: Storage, offset: int, shape: tuple, stride: tuple, *_: Any) -> Declaration:
    """In place of `torch._utils._rebuild_tensor_v2`.

    Raises:
        InputError: if it has more elements than its storage, as with a stride of 0, or lies outside of it.
    """
    numbers = (offset, *shape, *stride)
    if not isinstance(storage, Storage) or not all(type(number) is int and number >= 0 for number in numbers):
        raise InputError(UNTRUE)
    last = offset + sum((length - 1) * step for length, step in zip(shape, stride, strict=True))
    if math.prod(shape) > storage.length or (all(shape) and last >= storage.length):
        raise InputError(UNTRUE)
    return Declaration(storage, offset, shape, stride)


def parameter(declared: Declaration, *_: Any) -> Declaration:
    """In place of `torch._utils._rebuild_parameter`."""
    return declared


class Program(pickle._Unpickler):  # type: ignore[name-defined,misc]
    """A pickle, run by Python's own unpickler in Python, for which there is nothing but what is listed here.

    Attributes:
        storages: those that it has named, by their keys.
    """

    THINGS: dict[tuple[str, str], Callable] = {
        ("collections", "OrderedDict"): group,
        ("torch._utils", "_rebuild_tensor_v2"): declaration,
        ("torch._utils", "_rebuild_parameter"): parameter,
    }
    # What torch.save writes for weights. None of these makes room for what it has not read, or takes long over it.
    OPERATIONS = (
        *(pickle.PROTO, pickle.STOP, pickle.MARK, pickle.GLOBAL, pickle.REDUCE, pickle.BINPERSID),
        *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
        *(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS, pickle.EMPTY_DICT),
        *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BINFLOAT, pickle.BINUNICODE, pickle.SHORT_BINSTRING),
        *(pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1),
        *(pickle.BINPUT, pickle.LONG_BINPUT, pickle.BINGET, pickle.LONG_BINGET),
    )

    stack: list[Any]  # the base class's own
    pop_mark: Callable[[], list[Any]]

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        return STORAGES[name] if module == "torch" else self.THINGS[module, name]

    def persistent_load(self, named: Any) -> Storage:
        _, dtype, key, _, count, *view = named
        if any(view) or type(count) is not int or count < 0 or not isinstance(dtype, torch.dtype):
            raise InputError(UNTRUE)
        return self.storages.setdefault(str(key), Storage(str(key), dtype, count))

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        fill(self.stack[-1], [key], [value])

    def set_items(self) -> None:
        items = self.pop_mark()
        fill(self.stack[-1], items[::2], items[1::2])

    def let_go(self) -> None:
        """What torch hangs on a state dict: the versions of its modules."""
        self.stack.pop()
        if not isinstance(self.stack[-1], Group):
            raise InputError(UNTRUE)

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        code[0]: pickle._Unpickler.dispatch[code[0]]  # type: ignore[attr-defined]
        for code in OPERATIONS
    }
    dispatch |= {pickle.SETITEM[0]: set_item, pickle.SETITEMS[0]: set_items, pickle.BUILD[0]: let_go}


def fill(target: Any, keys: list, values: list) -> None:
    """Keys are names and numbers: what is nested may be so deep that hashing it ends the process."""
    if not isinstance(target, dict) or not all(isinstance(key, str | int) for key in keys):
        raise InputError(UNTRUE)
    target.update(zip(keys, values, strict=True))


def read_pth(path: Path, wanted: str) -> dict[str, Tensor]:
    """The weights in a file: the dict that was saved, or the `state_dict` in it.

    Raises:
        InputError: if it declares more than it holds, or holds something else than weights by their names.
        Exception: of many kinds, if it is damaged, or would do more than a `Program` can.
    """
    with real_file(path).open("rb") as file:
        read = _read_zip if zipfile.is_zipfile(file) else _read_legacy
        return read(file, wanted)


def _read_zip(file: BinaryIO, wanted: str) -> dict[str, Tensor]:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        (name,) = (name for name in names if name.endswith("data.pkl"))
        root = name.removesuffix("data.pkl")
        if f"{root}constants.pkl" in names:
            raise ValueError("it is TorchScript")
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise InputError("it is compressed, which torch.save does not do; load it in PyTorch and save it anew")
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            raise InputError("its numbers are in another processor's order; load it in PyTorch there and save it anew")
        program = Program(io.BytesIO(archive.read(name)))
        weights = _weights(program.load(), wanted)
        _compare(weights, program.storages, _size(file))
        return _tensors(weights, lambda storage: archive.read(f"{root}data/{storage.key}"))


def _read_legacy(file: BinaryIO, wanted: str) -> dict[str, Tensor]:
    file.seek(0)
    if Program(file).load() != LEGACY_MAGIC:
        raise InputError(UNTRUE)
    _version, _system = Program(file).load(), Program(file).load()
    program = Program(file)
    weights = _weights(program.load(), wanted)
    places: dict[str, int] = {}
    for key in Program(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        places[key] = file.tell()
        if count != program.storages[key].length:
            raise InputError(UNTRUE)
        file.seek(program.storages[key].size, io.SEEK_CUR)

    def read(storage: Storage) -> bytes:
        file.seek(places[storage.key])
        return file.read(storage.size)

    _compare(weights, program.storages, _size(file))
    return _tensors(weights, read)


def _size(file: BinaryIO) -> int:
    return file.seek(0, io.SEEK_END)


def _weights(saved: Any, wanted: str) -> dict[str, Declaration]:
    weights = saved.get("state_dict", saved) if isinstance(saved, dict) else {}
    entries: Iterable = weights.items() if isinstance(weights, dict) else ()
    if not weights or not all(isinstance(name, str) and isinstance(weight, Declaration) for name, weight in entries):
        raise InputError(NO_WEIGHTS.format(wanted=wanted))
    return weights


def _compare(weights: dict[str, Declaration], storages: dict[str, Storage], size: int) -> None:
    """Raises InputError if they are more than a file of this size holds. Tied weights are two of one storage."""
    stored = sum(storage.size for storage in storages.values())
    if stored > size or sum(weight.size for weight in weights.values()) > 2 * stored:
        raise InputError(UNTRUE)


def _tensors(weights: dict[str, Declaration], read: Callable[[Storage], bytes]) -> dict[str, Tensor]:
    """The declared tensors; those that share a storage in the file share its memory."""

    @functools.cache
    def numbers(storage: Storage) -> Tensor:
        content = bytearray(read(storage))
        if len(content) != storage.size:
            raise InputError(UNTRUE)
        return torch.frombuffer(content, dtype=storage.dtype) if content else torch.empty(0, dtype=storage.dtype)

    return {
        name: numbers(declared.storage).as_strided(declared.shape, declared.stride, declared.offset)
        for name, declared in weights.items()
    }
