"""The folder of a batch's results: the pictures, and a log by which a batch goes on where it was left."""

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tools.batch.job import JobError, Outcome

LOG = "batch.jsonl"
ENDINGS = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def pictures_in(folder: Path) -> list[str]:
    """The names of all pictures below a folder, with `/`, in order.

    Raises:
        JobError: if there is none.
    """
    found = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    names = sorted(path.relative_to(folder).as_posix() for path in found)
    if not names:
        raise JobError(f"There are no pictures in {folder} ({', '.join(sorted(ENDINGS))}).")
    return names


@dataclass
class Results:
    """Each picture's results have its name. A file is there in full or not at all, and before the log says so.

    Attributes:
        names: of all pictures of the batch.
        done: those that are finished, and need not run again.
        failed: those that were tried in vain.
    """

    folder: Path
    names: list[str]
    digest: str
    done: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Read what was done before.

        Raises:
            JobError: if it was done with another workflow.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / LOG
        lines = log.read_text(encoding="utf-8").split("\n") if log.exists() else []
        for record in filter(None, map(read_line, lines)):
            if record.get("workflow", self.digest) != self.digest:
                raise JobError(
                    f"{self.folder} holds the results of another workflow; name another folder with --output."
                )
            if "picture" in record:
                self._note(record["picture"], record["files"])
        if not any(lines):
            self._log({"workflow": self.digest})
        elif lines[-1]:
            self._append("\n")  # the end of a line that was cut short

    @property
    def left(self) -> list[str]:
        """What is to run: first what was never tried, so that one bad picture does not stand in the way."""
        return sorted((name for name in self.names if name not in self.done), key=self.failed.__contains__)

    def keep(self, name: str, outcome: Outcome) -> None:
        """Write what became of a picture."""
        endings = [ending for ending, _ in outcome.made]
        files = self.file_names(name, endings)
        for file, (_, content) in zip(files, outcome.made):
            write_whole(self.folder / file, content)
        record = {"picture": name, "files": files, "seconds": outcome.seconds, "place": outcome.place}
        self._log(record | ({"error": outcome.error} if outcome.error else {}))
        self._note(name, files)

    def _note(self, name: str, files: list[str]) -> None:
        is_done = name in self.names and files and all((self.folder / file).is_file() for file in files)
        for names, has_it in ((self.done, is_done), (self.failed, not is_done)):
            names.add(name) if has_it else names.discard(name)

    def file_names(self, name: str, endings: list[str]) -> list[str]:
        """The picture's name with another ending; numbered if there are several, in full if another has it too."""
        stem = str(Path(name).with_suffix("").as_posix())
        if Counter(Path(other).with_suffix("") for other in self.names)[Path(stem)] > 1:
            stem = name
        numbers = [""] if len(endings) == 1 else [f"-{number}" for number in range(1, len(endings) + 1)]
        return [f"{stem}{number}{ending}" for number, ending in zip(numbers, endings)]

    def _log(self, record: dict) -> None:
        self._append(json.dumps(record, ensure_ascii=False) + "\n")

    def _append(self, text: str) -> None:
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(text)


def read_line(line: str) -> dict | None:
    """A record; None for a line that was cut short."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)
