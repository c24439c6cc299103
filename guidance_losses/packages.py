"""Packages that a ComfyUI may lack: they are imported where they are first needed, so that all else works without."""

from collections.abc import Iterator
from contextlib import contextmanager

from .input_error import InputError

INSTALLED_AS = {"google": "protobuf", "open_clip": "open-clip-torch"}  # others are called as they are imported


class PackageError(InputError):
    """A package is missing, or does not fit the others: whatever was given may be sound."""


@contextmanager
def needed_packages() -> Iterator[None]:
    """For imports.

    Raises:
        PackageError: in one sentence, if a package is missing or does not fit the others.
    """
    try:
        yield
    except ImportError as error:
        module = (error.name or "").partition(".")[0]
        package = INSTALLED_AS.get(module, module)
        if isinstance(error, ModuleNotFoundError):
            wrong = f"this needs the package {package}, which is not installed"
        else:
            wrong = f"this needs the package {package}, whose installation is damaged or too old ({error})"
        raise PackageError(f"{wrong}; run `pip install --upgrade {package}` with ComfyUI's Python.") from error
