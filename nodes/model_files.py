"""Where the losses' networks are looked for, beside those that come with the pack."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import folder_paths

from ..guidance_losses import InputError, enumeration, shown
from ..guidance_losses.networks.model_file import ELSEWHERE

EMBEDDED = Path(__file__).parent.parent / "embedded" / "weights"
INSIGHTFACE = "insightface"  # users' and other packs' list: insightface's folder, or the folder `models` in it


class FileNames(list[str]):
    """A drop-down of files, of which `ModelFiles.path` says what is wrong with a name."""


@dataclass(frozen=True)
class ModelFiles:
    """One kind of network.

    The host's own lists of folders say where it is. They are read each time, since other packs add to them.

    Attributes:
        example: one that users have, as a message says it.
        key: our list, which a user's `extra_model_paths.yaml` can name.
        places: below the host's models folder, with `/`: in our list from the start.
        endings: of the files' names. For networks that are a folder of files, the one file that each folder has.
        embedded: below the pack's own weights, if there are such.
        others: further lists that are searched, where the host has them.
        folders: whether the network is the folder around such a file.
    """

    example: str
    key: str
    places: tuple[str, ...]
    endings: tuple[str, ...]
    embedded: str | None = None
    others: tuple[str, ...] = ()
    folders: bool = False

    def register(self) -> None:
        """Tell the host of our places."""
        for place in self.places:
            folder_paths.add_model_folder_path(self.key, str(Path(folder_paths.models_dir, place)))
        if self.embedded:
            folder_paths.add_model_folder_path(self.key, str(EMBEDDED / self.embedded))

    def names(self) -> FileNames:
        """What there is, for a drop-down."""
        return FileNames(sorted(self._found()))

    def path(self, name: str) -> Path:
        """The file or folder of that name: one of `names`, whatever else a workflow says. Links are followed already.

        Raises:
            InputError: in one sentence with the folders that were searched, if there is none, or if a link leads out
                of them and of the host's folder of models. These folders may be links themselves.
        """
        found = self._found()
        places = dict.fromkeys(place for key in self._keys() for place in folder_paths.get_folder_paths(key))
        if name in found:
            real = found[name].resolve()
            if not any(real.is_relative_to(Path(place).resolve()) for place in (*places, folder_paths.models_dir)):
                raise InputError(f"{shown(name)} cannot be used: {ELSEWHERE}.")
            return real
        there = enumeration(sorted(found)) or "nothing"
        searched = ", ".join(as_said(place) for place in places if not Path(place).is_relative_to(EMBEDDED))
        put = f"put {self.example}, or another of its kind, into models/{self.places[0]}"
        raise InputError(f"there is no {shown(name)} in {searched}; there is {there}; {put}.")

    def _keys(self) -> list[str]:
        return [self.key, *(key for key in self.others if key in folder_paths.folder_names_and_paths)]

    def _found(self) -> dict[str, Path]:
        """What there is by its name in the drop-down; of two with one name the first."""
        found: dict[str, Path] = {}
        for key in self._keys():
            for file in folder_paths.get_filename_list(key):
                full = folder_paths.get_full_path(key, file) if file.endswith(self.endings) else None
                if full is None:  # of another kind, or gone
                    continue
                path = PurePosixPath(file.replace("\\", "/"))
                if key == INSIGHTFACE and path.parts[0] == "models":
                    path = path.relative_to("models")
                if self.folders:  # a list that names the network's own folder calls it "."
                    folder = Path(full).parent
                    found.setdefault(str(path.parent) if path.parent.name else folder.name, folder)
                else:
                    found.setdefault(str(path), Path(full))
        return found


def as_said(place: str) -> str:
    """A folder in the host's own without the way to that, so that a message stays short."""
    path, host = Path(place), Path(folder_paths.base_path)
    return path.relative_to(host).as_posix() if path.is_relative_to(host) else place


WEIGHTS = (".safetensors", ".pth")
SEGMENTATION = ModelFiles(
    "the folder segformer-b0-finetuned-ade-512-512 of Hugging Face",
    "dsg_segmentation",
    ("dsg/segmentation",),
    ("config.json",),
    "segmentation",
    folders=True,
)
CLASSIFIER = ModelFiles(
    "the folder vit-base-patch16-224 of Hugging Face",
    "dsg_classifier",
    ("dsg/classifier",),
    ("config.json",),
    "classifier",
    folders=True,
)
DEPTH = ModelFiles(
    "the folder Depth-Anything-V2-Small-hf of Hugging Face",
    "dsg_depth",
    ("dsg/depth",),
    ("config.json",),
    "depth",
    folders=True,
)
POSE = ModelFiles(
    "the folder vitpose-base-simple of Hugging Face",
    "dsg_pose",
    ("dsg/pose",),
    ("config.json",),
    "pose",
    folders=True,
)
FACE = ModelFiles(
    "insightface's w600k_r50.onnx, and its det_10g.onnx as the detector",
    "dsg_face",
    ("dsg/face", "insightface/models"),
    (".onnx", *WEIGHTS),
    "face",
    (INSIGHTFACE,),
)
DETECTION = ModelFiles(
    "torchvision's fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth",
    "dsg_detection",
    ("dsg/detection",),
    WEIGHTS,
    "detection",
    ("detection",),
)
CSD = ModelFiles("CSD's weights", "dsg_csd", ("dsg/csd",), WEIGHTS)
REWARD = ModelFiles("LAION's sac+logos+ava1-l14-linearMSE.pth", "dsg_reward", ("dsg/reward",), WEIGHTS)
# A CLIP is a folder with a file that says what it is, or else a checkpoint, which may lie in the host's own folders.
CLIP_FOLDERS = ModelFiles(
    "a folder of open_clip", "dsg_clip", ("dsg/clip",), ("open_clip_config.json",), "clip", folders=True
)
CLIP_CHECKPOINTS = ModelFiles(
    "a checkpoint of open_clip",
    "dsg_clip",
    ("dsg/clip",),
    (".safetensors", ".pt", ".bin"),
    "clip",
    ("text_encoders", "clip_vision"),
)

for kind in (SEGMENTATION, CLASSIFIER, DEPTH, POSE, FACE, DETECTION, CSD, REWARD, CLIP_FOLDERS, CLIP_CHECKPOINTS):
    kind.register()
