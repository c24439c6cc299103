"""The border of files: what each loader of a network asks of the file or folder that it is given.

Files come from strangers. Nothing in one runs, opens a connection, or leads to a file elsewhere; what it costs to read
is in proportion to its size; and whatever is wrong with it is said in one sentence. `loader` makes a function say so.
The readers, in `pth_file`, `weights_file`, `onnx_file` and `configuration_file`, are all that opens a file, and they
ask `real_file` first; `size_limits` bounds what is built of what they read.
"""

import functools
import stat
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from ..input_error import InputError
from ..packages import PackageError

P = ParamSpec("P")
Network = TypeVar("Network")

QUOTED = 60  # characters that are quoted of a file
REASON = 400  # characters in a reason, of which most are ours
ELSEWHERE = (
    "it is a link that leads out of its folder; put the file itself there, or name the place where it is in the host's "
    "extra_model_paths.yaml"
)
UNREADABLE = "it is damaged, or of another kind than it says; download it again, or take another"


def loader(
    what: str,
) -> Callable[[Callable[Concatenate[Path, P], Network]], Callable[Concatenate[Path, P], Network]]:
    """Make a loader of a function that reads a network from a path, its first argument.

    Args:
        what: the network with its article, as in "a face network".

    Returns:
        A decorator. What it gives raises InputError in one sentence that begins with the file's name, whatever goes
        wrong; FileNotFoundError and PackageError pass as they are.
    """

    def decorate(load: Callable[Concatenate[Path, P], Network]) -> Callable[Concatenate[Path, P], Network]:
        @functools.wraps(load)
        def load_checked(path: Path, *arguments: P.args, **options: P.kwargs) -> Network:
            try:
                check_place(path)
                return load(path, *arguments, **options)
            except (FileNotFoundError, PackageError, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # libraries have their own kinds, and those in Rust panic outside Exception
                reason = str(error) if isinstance(error, InputError) else UNREADABLE
                cause = error
            reason = textwrap.shorten(reason, REASON, placeholder="…")
            raise InputError(f"{quoted(path.name)} cannot be used as {what}: {reason}.") from cause

        return load_checked

    return decorate


def check_place(path: Path) -> None:
    """Raises InputError if the path is a link out of its folder. The folder itself may be a link."""
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise InputError(ELSEWHERE)


def real_file(path: Path) -> Path:
    """The same path, if a file lies there.

    Raises:
        InputError: if it is a link out of its folder, or no regular file: a folder, a device, a pipe.
        FileNotFoundError: if nothing is there.
    """
    check_place(path)
    if not stat.S_ISREG(path.stat().st_mode):
        raise InputError(f"{quoted(path.name)} is no file but a folder, a device or a pipe; put the file itself there")
    return path


def quoted(text: object) -> str:
    """What a file says, fit for a message: on one line, printable, and short."""
    printable = "".join(character if character.isprintable() else " " for character in str(text)[: 4 * QUOTED])
    return textwrap.shorten(printable, QUOTED, placeholder="…")
