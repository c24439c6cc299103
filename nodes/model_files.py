"""Where the losses' networks are looked for, beside those that come with the pack."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import folder_paths

EMBEDDED = Path(__file__).parent.parent / "embedded" / "weights"


@dataclass(frozen=True)
class ModelFiles:
    """One kind of network.

    Attributes:
        kind: the host's name for its folders.
        places: below the host's models folder, with `/`; a user's `extra_model_paths.yaml` can add others under `kind`.
        embedded: below the pack's own weights, if there are such.
        endings: of the files' names. For networks that are a folder of files, the one file that each folder has.
        folders: whether the network is the folder around such a file.
    """

    kind: str
    places: tuple[str, ...]
    embedded: str | None
    endings: tuple[str, ...]
    folders: bool = False

    def register(self) -> None:
        """Tell the host of these places."""
        for place in self.places:
            folder_paths.add_model_folder_path(self.kind, str(Path(folder_paths.models_dir, place)))
        if self.embedded:
            folder_paths.add_model_folder_path(self.kind, str(EMBEDDED / self.embedded))

    def names(self) -> list[str]:
        """What there is, for a drop-down."""
        return sorted(dict.fromkeys(name for name, _ in self._files()))

    def path(self, name: str, node: str) -> Path:
        """The file or folder of that name.

        Raises:
            ValueError: in one sentence with the folders that were searched, if there is none.
        """
        for found, file in self._files():
            if found == name:
                full = Path(folder_paths.get_full_path_or_raise(self.kind, file))
                return full.parent if self.folders else full
        searched = ", ".join(folder_paths.get_folder_paths(self.kind))
        there = ", ".join(self.names()) or "nothing"
        raise ValueError(f"{node}: there is no {name!r} in {searched}; there is {there}.")

    def _files(self) -> Iterator[tuple[str, str]]:
        """Name in the drop-down, and the host's name for the file."""
        for file in folder_paths.get_filename_list(self.kind):
            if file.endswith(self.endings):
                path = PurePosixPath(file.replace("\\", "/"))
                yield (str(path.parent) if self.folders else str(path)), file


SEGMENTATION = ModelFiles("dsg_segmentation", ("dsg/segmentation",), "segmentation", ("config.json",), folders=True)
FACE = ModelFiles("dsg_face", ("dsg/face", "insightface/models"), "face", (".onnx", ".safetensors", ".pth"))
DETECTION = ModelFiles("dsg_detection", ("dsg/detection",), None, (".safetensors", ".pth"))
# The folders of the embedded kind, with their own architecture; single checkpoints lie in the host's own folder.
CLIP_FOLDERS = ModelFiles("dsg_clip", ("dsg/clip",), "clip", ("open_clip_config.json",), folders=True)
CLIP_CHECKPOINTS = ModelFiles("dsg_clip_checkpoint", ("clip", "text_encoders"), "clip", (".safetensors", ".pt", ".bin"))

for kind in (SEGMENTATION, FACE, DETECTION, CLIP_FOLDERS, CLIP_CHECKPOINTS):
    kind.register()
