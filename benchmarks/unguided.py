"""How good the embedded diffusion models are: 256 unguided samples each, of a real host, against faces never seen.

    python -m benchmarks.unguided

The first 64 go onto the cards' sheets, `embedded/weights/*_samples.png`. The Fréchet distance is in the features of
`embedded.judges.attributes`, a network that guidance never uses.
"""

import io

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from embedded.evaluation.frechet import frechet_distance, reference_statistics
from embedded.judges.attributes import FaceJudge
from tools.comfyui import REPOSITORY
from tools.server import Client, running_host

STEPS, BATCH, COUNT = 50, 64, 256
SHEETS = {"faces": "faces_samples.png", "faces (flow matching)": "faces_flow_samples.png"}
FOLDER = REPOSITORY / "embedded" / "weights"


def samples(host: Client, model: str, seed: int) -> np.ndarray:
    """A batch of unguided faces, uint8 `[64, 64, 64, 3]`, by the host's own KSampler."""
    nodes = {
        "model": ("DSG_LoadEmbeddedModel", {"model_name": model, "style": "any", "batch_size": BATCH}),
        "sampler": (
            "KSampler",
            {
                "model": ["model", 0],
                "positive": ["model", 1],
                "negative": ["model", 2],
                "latent_image": ["model", 4],
                "seed": seed,
                "steps": STEPS,
                "cfg": 1.0,
                "sampler_name": "euler_ancestral",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        ),
        "decode": ("VAEDecode", {"samples": ["sampler", 0], "vae": ["model", 3]}),
        "show": ("PreviewImage", {"images": ["decode", 0]}),
    }
    prompt = {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}
    shown = host.run(prompt)["show"]["images"]
    return np.stack([np.asarray(Image.open(io.BytesIO(host.picture(entry))).convert("RGB")) for entry in shown])


def sheet(faces: np.ndarray) -> Image.Image:
    """8×8 faces."""
    return Image.fromarray(faces.reshape(8, 8, *faces.shape[1:]).swapaxes(1, 2).reshape(8 * 64, 8 * 64, 3))


def distance(faces: np.ndarray) -> float:
    images = torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        features = torch.cat([FaceJudge.load().features(batch) for batch in images.split(64)])
    return frechet_distance(features, reference_statistics())


def main() -> None:
    distances = {}
    with running_host() as host:
        for model, sheet_name in SHEETS.items():
            batches = tqdm(range(COUNT // BATCH), desc=model, unit="batch")
            faces = np.concatenate([samples(host, model, seed) for seed in batches])
            sheet(faces[:64]).save(FOLDER / sheet_name, optimize=True)
            distances[model] = distance(faces)
    for model, value in distances.items():
        print(f"Fréchet distance of {COUNT} samples of {model}: {value:.2f}")
    print(f"flow matching over v prediction: {distances['faces (flow matching)'] / distances['faces']:.2f}")


if __name__ == "__main__":
    main()
