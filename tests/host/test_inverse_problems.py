"""Super-resolution, deblurring, colorizing, sketch and palette in the host: closer to what was asked."""

import io

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from embedded.held_out import held_out_faces
from tasks.restoration import psnr
from tools.server import PromptError

FIRST, COUNT, STEPS, SEED = 0, 4, 20, 2
TRUTH = held_out_faces()[FIRST : FIRST + COUNT]
OTHERS = held_out_faces()[32 : 32 + COUNT]
ALWAYS = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}


def guided_by(loss: str | None, inputs: dict, measurement: dict[str, dict]) -> dict:
    """A prompt: `measurement` makes "measured" of the "faces", and the loss compares with it."""
    faces = {"first": FIRST, "count": COUNT}
    model = {"model_name": "faces", "style": "any", "batch_size": COUNT}
    prompt = {
        "faces": {"class_type": "DSG_LoadEmbeddedFaces", "inputs": faces},
        "others": {"class_type": "DSG_LoadEmbeddedFaces", "inputs": {"first": 32, "count": COUNT}},
        "model": {"class_type": "DSG_LoadEmbeddedModel", "inputs": model},
        **measurement,
    }
    if loss:
        prompt["loss"] = {"class_type": loss, "inputs": ALWAYS | {"conditioning": ["model", 1]} | inputs}
        prompt["show measured"] = {"class_type": "PreviewImage", "inputs": {"images": ["measured", 0]}}
    sampler = {"model": ["model", 0], "negative": ["model", 2], "latent_image": ["model", 4], "vae": ["model", 3]}
    sampler |= {"positive": ["loss", 0] if loss else ["model", 1], "seed": SEED, "steps": STEPS, "cfg": 1.0}
    sampler |= {"scheduler": "normal", "denoise": 1.0, "guidance_rate": 0.2}
    prompt["sampler"] = {"class_type": "DSG_KSampler", "inputs": sampler}
    prompt["decode"] = {"class_type": "VAEDecode", "inputs": {"samples": ["sampler", 0], "vae": ["model", 3]}}
    return prompt | {"show": {"class_type": "PreviewImage", "inputs": {"images": ["decode", 0]}}}


def shown(host, prompt: dict) -> tuple[np.ndarray, np.ndarray | None]:
    """The sampled pictures and the measurement, uint8 `[N, H, W, 3]`."""
    outputs = host.run(prompt)

    def pictures(number: str) -> np.ndarray:
        return np.stack([np.asarray(Image.open(io.BytesIO(host.picture(i)))) for i in outputs[number]["images"]])

    return pictures("show"), pictures("show measured") if "show measured" in prompt else None


@pytest.fixture(scope="module")
def unguided(host) -> np.ndarray:
    return shown(host, guided_by(None, {}, {}))[0]


def noisy(source: str) -> dict:
    return {"class_type": "ImageAddNoise", "inputs": {"image": [source, 0], "seed": 1, "strength": 0.05}}


@pytest.mark.parametrize("kernel", ["bicubic", "area"])
def test_super_resolution_comes_closer_than_enlarging(host, unguided, kernel):
    settings = {"factor": 4, "kernel": kernel}
    shrink = {"class_type": "DSG_ShrinkPicture", "inputs": settings | {"image": ["faces", 0]}}
    inputs = settings | {"image": ["measured", 0], "noise_level": 0.05}
    prompt = guided_by("DSG_SuperResolutionLoss", inputs, {"small": shrink, "measured": noisy("small")})
    restored, small = shown(host, prompt)
    assert small.shape == (COUNT, 16, 16, 3)
    enlarged = np.stack([np.asarray(Image.fromarray(p).resize((64, 64), Image.Resampling.BICUBIC)) for p in small])
    assert psnr(restored, TRUTH).mean() > psnr(enlarged, TRUTH).mean() + 1
    assert psnr(restored, TRUTH).mean() > psnr(unguided, TRUTH).mean() + 8


@pytest.mark.parametrize(
    "blur",
    [
        {"blur": "gaussian", "size": 9, "std": 1.5, "angle": 0.0},
        {"blur": "motion", "size": 9, "std": 1.5, "angle": 30.0},
    ],
    ids=lambda blur: blur["blur"],
)
def test_deblurring_comes_closer_than_the_blurred_picture(host, unguided, blur):
    blurred = {"class_type": "DSG_BlurPicture", "inputs": blur | {"image": ["faces", 0]}}
    inputs = blur | {"image": ["measured", 0], "noise_level": 0.05}
    restored, measured = shown(
        host, guided_by("DSG_DeblurLoss", inputs, {"blurred": blurred, "measured": noisy("blurred")})
    )
    assert psnr(restored, TRUTH).mean() > psnr(measured, TRUTH).mean() + 1
    assert psnr(restored, TRUTH).mean() > psnr(unguided, TRUTH).mean() + 8


def test_a_kernel_of_ones_own_replaces_the_widgets(host):
    """A grey line of 1×9 pixels is the horizontal motion of 9, whatever the widgets say."""
    widgets = {"blur": "gaussian", "size": 25, "std": 3.0, "angle": 0.0}
    motion = {"blur": "motion", "size": 9, "std": 3.0, "angle": 0.0}
    line = {
        "line": {"class_type": "SolidMask", "inputs": {"value": 0.5, "width": 9, "height": 1}},
        "kernel": {"class_type": "MaskToImage", "inputs": {"mask": ["line", 0]}},
    }
    own = {"class_type": "DSG_BlurPicture", "inputs": widgets | {"image": ["faces", 0], "kernel": ["kernel", 0]}}
    drawn = {"class_type": "DSG_BlurPicture", "inputs": motion | {"image": ["faces", 0]}}
    inputs = widgets | {"image": ["measured", 0], "kernel": ["kernel", 0]}
    restored, measured = shown(host, guided_by("DSG_DeblurLoss", inputs, line | {"measured": own}))
    expected = shown(host, guided_by("DSG_DeblurLoss", motion | {"image": ["measured", 0]}, {"measured": drawn}))
    assert np.abs(measured.astype(int) - expected[1]).max() <= 1
    assert psnr(restored, TRUTH).mean() > psnr(measured, TRUTH).mean() + 1


def luminance(pictures: np.ndarray) -> np.ndarray:
    return (pictures @ [0.299, 0.587, 0.114])[..., None]


def test_colorizing_keeps_the_luminance_and_adds_colours(host, unguided):
    grey = {"class_type": "ImageRGBToYUV", "inputs": {"image": ["faces", 0]}}
    inputs = {"image": ["measured", 0], "noise_level": 0.05}
    restored, measured = shown(host, guided_by("DSG_ColorizeLoss", inputs, {"grey": grey, "measured": noisy("grey")}))
    assert psnr(measured, np.repeat(luminance(TRUTH), 3, axis=-1)).mean() > 24
    assert psnr(luminance(restored), luminance(TRUTH)).mean() > 27
    assert psnr(luminance(restored), luminance(TRUTH)).mean() > psnr(luminance(unguided), luminance(TRUTH)).mean() + 14
    assert psnr(restored, TRUTH).mean() > psnr(unguided, TRUTH).mean() + 5
    colourfulness = np.ptp(restored.astype(float), axis=-1).mean()
    assert colourfulness > 0.5 * np.ptp(TRUTH.astype(float), axis=-1).mean()


def edge_correlation(pictures: np.ndarray) -> float:
    """Mean correlation of the edges, at a scale of 1.5 pixels, with those of the true faces."""

    def edges(picture: np.ndarray) -> np.ndarray:
        return scipy.ndimage.gaussian_gradient_magnitude(luminance(picture)[..., 0], 1.5).ravel()

    return np.mean([np.corrcoef(edges(a), edges(b))[0, 1] for a, b in zip(pictures, TRUTH)])


@pytest.mark.parametrize("lines", ["light on dark", "dark on light"])
def test_a_sketch_gives_the_edges_of_the_face_that_it_was_drawn_from(host, unguided, lines):
    """The drawing is the host's Canny lines; the edges that are compared are those of the coloured face."""
    canny = {"class_type": "Canny", "inputs": {"image": ["faces", 0], "low_threshold": 0.2, "high_threshold": 0.5}}
    ink = {"class_type": "ImageInvert", "inputs": {"image": ["canny", 0]}}
    drawing = {"measured": canny} if lines == "light on dark" else {"canny": canny, "measured": ink}
    restored, _ = shown(host, guided_by("DSG_SketchLoss", {"drawing": ["measured", 0], "lines": lines}, drawing))
    assert edge_correlation(restored) > 0.7
    assert edge_correlation(unguided) < 0.4


def cube(pictures: np.ndarray) -> np.ndarray:
    """Shares of the pixels in 4×4×4 cells of the RGB cube, `[N, 64]`."""
    cells = (pictures // 64) @ [16, 4, 1]
    return np.stack([np.bincount(c.ravel(), minlength=64) for c in cells]) / cells[0].size


def overlap(pictures: np.ndarray) -> float:
    return np.minimum(cube(pictures), cube(OTHERS)).sum(axis=1).mean()


def test_a_palette_gives_the_colours_of_the_reference_without_its_layout(host, unguided):
    reference = {"class_type": "ImageScale", "inputs": {"image": ["others", 0], "upscale_method": "nearest-exact"}}
    reference["inputs"] |= {"width": 96, "height": 128, "crop": "disabled"}
    restored, _ = shown(host, guided_by("DSG_PaletteLoss", {"image": ["measured", 0]}, {"measured": reference}))
    means = [pictures.mean(axis=(1, 2)) / 255 for pictures in (restored, unguided, OTHERS)]
    assert np.abs(means[0] - means[2]).mean() < 0.03
    assert np.abs(means[1] - means[2]).mean() > 0.1
    assert overlap(restored) > 0.55
    assert overlap(unguided) < 0.35
    assert psnr(restored, OTHERS).mean() < 18


def test_a_where_mask_keeps_the_loss_to_its_part(host):
    """One step that moves the estimate itself: only the left half follows, and the right one keeps its every bit."""
    half = {"value": 1.0, "width": 32, "height": 64}
    mask = {"x": 0, "y": 0, "operation": "add", "destination": ["black", 0], "source": ["white", 0]}
    settings = {"factor": 4, "kernel": "bicubic"}
    nodes = {
        "measured": {"class_type": "DSG_ShrinkPicture", "inputs": settings | {"image": ["faces", 0]}},
        "black": {"class_type": "SolidMask", "inputs": half | {"value": 0.0, "width": 64}},
        "white": {"class_type": "SolidMask", "inputs": half},
        "left": {"class_type": "MaskComposite", "inputs": mask},
        "method": {"class_type": "DSG_GuidanceMethod", "inputs": {"method": "MPGD", "step_size": 20.0}},
    }
    made = []
    for loss in (None, "DSG_SuperResolutionLoss"):
        prompt = guided_by(loss, settings | {"image": ["measured", 0], "where": ["left", 0]}, nodes)
        prompt["sampler"]["inputs"] |= {"method": ["method", 0], "steps": 1}
        made.append(shown(host, prompt)[0])
    unguided, guided = made
    assert (guided[:, :, 32:] == unguided[:, :, 32:]).all()
    assert (psnr(guided[:, :, :32], TRUTH[:, :, :32]) > psnr(unguided[:, :, :32], TRUTH[:, :, :32])).all()


def test_a_still_picture_that_is_all_known_is_refused(host):
    inputs = {"image": ["measured", 0], "threshold": 0.5, "restore_known": False}
    prompt = guided_by("DSG_MaskLoss", inputs, {"measured": noisy("faces")})
    with pytest.raises(PromptError, match="Mask Loss: without a mask all of the picture is known"):
        host.run(prompt)
