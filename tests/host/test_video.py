"""Videos of a small random Wan, guided in the host on chosen frames and by losses of several frames.

What it paints means nothing, so it is judged by what was asked for, in the video that the host's own VAE Decode gives
of the whole latent: the guidance itself saw slices of it.
"""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tools.comfyui import REPOSITORY
from tools.graph import Graph, Slot, loss
from tools.hosts import run
from tools.server import Client, PromptError
from tools.workflow import find, to_prompt

SIDE, FRAMES, STEPS = 32, 17, 4
MORE_STEPS = 6  # for several losses
GREY = 0x808080


class Video:
    """A prompt for a video, to which losses are added; `finished` samples it."""

    def __init__(self, gradient: str = "exact", size: int = 1, family: str = "Wan", length: int = FRAMES):
        self.graph = Graph()
        add = self.graph.add
        small = add("Test_SmallModel", family=family)
        self.model, self.positive, self.negative, self.vae = [small, 0], [small, 1], [small, 1], [small, 2]
        shape = {"width": SIDE, "height": SIDE, "length": length, "batch_size": size}
        self.latent = [add("EmptyHunyuanLatentVideo", **shape), 0] if family == "Wan" else [small, 3]
        self.gradient, self.loss_decoder = gradient, "VAE"

    def guide(self, kind: str, frames: str | None = None, **inputs: object) -> None:
        self.positive = loss(self.graph, kind, self.positive, **inputs)
        if frames is not None:
            self.positive = [self.graph.add("DSG_GuidedFrames", conditioning=self.positive, frames=frames), 0]

    def picture(self, color: int = GREY, count: int = 1) -> Slot:
        return [self.graph.add("EmptyImage", width=SIDE, height=SIDE, batch_size=count, color=color), 0]

    def left_half(self) -> Slot:
        left = [self.graph.add("SolidMask", value=0.0, width=SIDE // 2, height=SIDE), 0]
        whole = [self.graph.add("SolidMask", value=1.0, width=SIDE, height=SIDE), 0]
        return [self.graph.add("MaskComposite", destination=whole, source=left, x=0, y=0, operation="multiply"), 0]

    def sampling(self, steps: int = STEPS) -> dict:
        method = [self.graph.add("DSG_GuidanceMethod", method="DSG", step_size=0.0, gradient=self.gradient), 0]
        inputs = {"model": self.model, "positive": self.positive, "negative": self.negative, "vae": self.vae}
        inputs |= {"latent_image": self.latent, "seed": 0, "steps": steps, "cfg": 1.0, "scheduler": "normal"}
        return inputs | {"denoise": 1.0, "guidance_rate": 0.5, "method": method, "loss_decoder": self.loss_decoder}

    def finished(self, **changed: object) -> dict:
        """The prompt. Its keys "decoded" and "sampler" are those of the nodes."""
        add = self.graph.named
        add("sampler", "DSG_KSampler", **(self.sampling() | changed))
        add("decoded", "VAEDecode", samples=["sampler", 0], vae=self.vae)
        add("saved", "SaveImage", images=["decoded", 0], filename_prefix="video")
        add("report", "DSG_GuidanceReport", report=["sampler", 1])
        return self.graph.nodes


def made(host: Client, video: Video, **changed: object) -> tuple[np.ndarray, dict]:
    """Its frames, `[N, 32, 32, 3]` from 0 to 255, and the report."""
    pictures, report = run(host, video.finished(**changed))
    return pictures.astype(float), report


@pytest.fixture(scope="module")
def unguided(host) -> np.ndarray:
    return made(host, Video())[0]


def from_grey(pictures: np.ndarray) -> np.ndarray:
    """Of each frame's left half."""
    return np.abs(pictures[:, :, : SIDE // 2] - 0x80).mean((1, 2, 3))


def mask_loss(video: Video, frames: str | None, **changed: object) -> None:
    known = {"image": video.picture(), "mask": video.left_half(), "threshold": 0.5, "restore_known": False}
    video.guide("DSG_MaskLoss", frames, **(known | changed))


@pytest.mark.parametrize("gradient", ["exact", "low memory", "finite difference", "none"])
def test_chosen_frames_come_to_what_is_known_of_them(host, unguided, gradient):
    video = Video(gradient)
    mask_loss(video, "first, last")
    guided, report = made(host, video)
    assert len(guided) == len(unguided) == FRAMES
    assert report["gradient_modes"] == [gradient]
    assert report["guided_steps"] == STEPS - 1
    assert [len(values) for values in report["steps"][0]["losses"].values()] == [1]
    assert (from_grey(guided)[[0, -1]] < 0.8 * from_grey(unguided)[[0, -1]]).all()


def test_low_memory_gives_the_exact_video(host):
    videos = []
    for gradient in ("exact", "low memory"):
        video = Video(gradient)
        mask_loss(video, "0, 8, 16")
        videos.append(made(host, video)[0])
    assert np.abs(videos[0] - videos[1]).max() <= 1


def test_each_loss_has_frames_of_its_own(host, unguided):
    video = Video()
    video.guide("DSG_ColorLoss", "first", color="#ff0000")
    video.guide("DSG_ColorLoss", "last", color="#0000ff")
    guided, report = made(host, video)
    assert list(report["steps"][0]["losses"]) == ["colour", "colour 2"]
    redness = [(pictures[..., 0] - pictures[..., 2]).mean((1, 2)) for pictures in (guided, unguided)]
    assert redness[0][0] > redness[1][0] + 10
    assert redness[0][-1] < redness[1][-1] - 10


def test_a_small_picture_is_the_first_frames(host, unguided):
    video = Video()
    small = [video.graph.add("EmptyImage", width=SIDE // 4, height=SIDE // 4, batch_size=1, color=0x202020), 0]
    video.guide("DSG_SuperResolutionLoss", "first", image=small, factor=4, kernel="bicubic")
    guided, _ = made(host, video)
    far = [np.abs(pictures[0] - 0x20).mean() for pictures in (guided, unguided)]
    assert far[0] < 0.8 * far[1]


def test_each_video_of_a_batch_is_guided_as_alone(host):
    alone, batch = Video(), Video(size=2)
    for video in (alone, batch):
        mask_loss(video, "first, last")
    pictures, report = made(host, batch)
    assert len(pictures) == 2 * FRAMES
    assert [len(values) for values in report["steps"][0]["losses"].values()] == [2]
    assert np.abs(pictures[:FRAMES] - made(host, alone)[0]).max() <= 1


def test_known_pixels_are_put_back_into_the_chosen_frames_alone(host):
    with_them, without = Video(), Video()
    mask_loss(with_them, "first", restore_known=True)
    mask_loss(without, "first")
    changed = np.abs(made(host, with_them)[0] - made(host, without)[0]).mean((1, 2, 3))
    assert changed[0] > 0.1
    assert changed[-1] < changed[0]


def ends_apart(pictures: np.ndarray) -> float:
    return float(np.abs(pictures[-1] - pictures[0]).mean())


def test_a_loop_meets_its_beginning(host, unguided):
    video = Video()
    video.guide("DSG_LoopLoss")
    guided, report = made(host, video)
    assert report["guided_steps"] == STEPS - 1
    assert ends_apart(guided) < 0.8 * ends_apart(unguided)


def test_a_smooth_video_changes_evenly(host, unguided):
    video = Video("low memory")
    video.guide("DSG_SmoothnessLoss")
    jerks = [np.abs(np.diff(pictures, n=2, axis=0)).mean() for pictures in (made(host, video)[0], unguided)]
    assert jerks[0] < 0.9 * jerks[1]


def template(host: Client) -> dict:
    """The published workflow, on the small model, of a small video that begins with grey."""
    workflow = json.loads((REPOSITORY / "workflows" / "25 Video (Wan).json").read_text(encoding="utf-8"))
    prompt = to_prompt(workflow, host.get("/object_info").json())
    loaded = {find(prompt, "UNETLoader"): 0, find(prompt, "VAELoader"): 2}
    loaded |= {key: 1 for key, node in prompt.items() if node["class_type"] == "CLIPTextEncode"}
    for node in prompt.values():
        for name, value in node["inputs"].items():
            if isinstance(value, list) and value[0] in loaded:
                node["inputs"][name] = ["small", loaded[value[0]]]
    prompt = {key: node for key, node in prompt.items() if key not in (*loaded, find(prompt, "CLIPLoader"))}
    prompt["small"] = {"class_type": "Test_SmallModel", "inputs": {"family": "Wan"}}
    prompt[find(prompt, "LoadImage")] = {
        "class_type": "EmptyImage",
        "inputs": {"width": SIDE, "height": SIDE, "batch_size": 1, "color": GREY},
    }
    prompt[find(prompt, "EmptyHunyuanLatentVideo")]["inputs"] |= {"width": SIDE, "height": SIDE, "length": FRAMES}
    prompt[find(prompt, "DSG_KSampler")]["inputs"]["steps"] = MORE_STEPS
    prompt["saved"] = {
        "class_type": "SaveImage",
        "inputs": {"images": [find(prompt, "VAEDecode"), 0], "filename_prefix": "video"},
    }
    prompt.pop(find(prompt, "PreviewImage"))  # of the report
    return prompt


def test_the_template_s_video_begins_with_the_picture_and_ends_where_it_began(host):
    prompt = template(host)
    guided, report = run(host, prompt)
    assert report["guided_steps"] == MORE_STEPS - 1
    assert report["remarks"] == []
    prompt[find(prompt, "DSG_KSampler")]["inputs"]["guidance_rate"] = 0.0
    unguided, _ = run(host, prompt)
    assert len(guided) == FRAMES
    far = [np.abs(pictures[0].astype(float) - 0x80).mean() for pictures in (guided, unguided)]
    assert far[0] < 0.8 * far[1]
    assert ends_apart(guided.astype(float)) < 0.8 * ends_apart(unguided.astype(float))


@pytest.mark.parametrize("method", ["posterior mean", "MMPS"])
def test_methods_of_measurements_take_videos(host, unguided, method):
    video = Video()
    mask_loss(video, "first, last")
    guided, _ = made(host, video, method=[video.graph.add("DSG_GuidanceMethod", **method_inputs(method)), 0])
    assert (from_grey(guided)[[0, -1]] < 0.8 * from_grey(unguided)[[0, -1]]).all()


def method_inputs(method: str) -> dict:
    return {"method": method, "step_size": 0.0, "gradient": "exact", "recurrence": 1}


def test_the_colours_of_latents_are_those_of_all_their_frames(host):
    def reached(rate: float) -> float:
        video = Video()
        video.loss_decoder = "latent colours"
        mask_loss(video, "16")
        _, report = made(host, video, guidance_rate=rate)
        (value,) = [step["losses"]["mask"][0] for step in report["steps"] if step["losses"]][-1:]
        return value

    guided, unguided = reached(0.05), reached(0.0)  # the step is the whole video's, and all of it goes into one latent
    assert guided < unguided


def test_the_best_noise_is_one_for_each_video(host):
    video = Video(size=2)
    mask_loss(video, "first, last")
    video.graph.named("best", "DSG_BestNoise", **video.sampling(), tries=2, try_steps=3)
    prompt = video.finished(latent_image=["best", 0], seed=["best", 1])
    assert host.run(prompt)["best"]["text"][0].count("picture") == 2


def test_the_preview_shows_the_chosen_frames(host):
    video = Video()
    mask_loss(video, "0, 8, 16")
    video.guide("DSG_LoopLoss")
    prompt = video.finished()
    prompt["seen"] = {"class_type": "DSG_LossPreview", "inputs": {"image": ["decoded", 0]}}
    prompt["seen"]["inputs"]["conditioning"] = prompt["sampler"]["inputs"]["positive"]
    prompt["shown"] = {"class_type": "PreviewImage", "inputs": {"images": ["seen", 0]}}
    prompt["values"] = {"class_type": "PreviewAny", "inputs": {"source": ["seen", 1]}}
    outputs = host.run(prompt)
    mask, loop = outputs["values"]["text"][0].splitlines()
    assert mask.count(",") == 2
    assert float(loop.removeprefix("loop: ")) > 0
    (shown,) = outputs["shown"]["images"]
    assert Image.open(io.BytesIO(host.picture(shown))).width > 0
    assert json.loads(outputs["report"]["text"][0])["guided_steps"] == STEPS - 1


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        ("17", r"Guided Frames: frame 17 is chosen, and the video has 17 frames, 0 to 16"),
        ("zeroth", r"Guided Frames: frames has 'zeroth' where frames should be; write first, last"),
        ("", r"Guided Frames: frames has '' where"),
    ],
)
def test_frames_that_there_are_not_are_refused_before_sampling(host, frames, sentence):
    video = Video()
    mask_loss(video, frames)
    with pytest.raises(PromptError, match=sentence):
        host.run(video.finished())


def test_a_choice_without_a_loss_is_refused(host):
    video = Video()
    video.positive = [video.graph.add("DSG_GuidedFrames", conditioning=video.positive, frames="first"), 0]
    with pytest.raises(PromptError, match="Guided Frames: no loss before this node"):
        host.run(video.finished())


def test_still_pictures_have_no_frames(host):
    video = Video(family="Flux")
    mask_loss(video, "first")
    with pytest.raises(PromptError, match="Guided Frames: it takes a video, and this is a still picture"):
        host.run(video.finished())
    loop = Video(family="Flux")
    loop.guide("DSG_LoopLoss")
    with pytest.raises(PromptError, match="Loop Loss: it takes a video, and this is a still picture"):
        host.run(loop.finished())


def test_too_few_frames_for_a_loop_are_refused(host):
    video = Video()
    video.guide("DSG_LoopLoss", "first, last")
    with pytest.raises(PromptError, match="Loop Loss: a loop has 3 frames or more, and there are 2"):
        host.run(video.finished())
