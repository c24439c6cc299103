"""How good the embedded diffusion model is: 256 unguided samples of a real host, against faces it has never seen.

    python -m benchmarks.unguided

The first 64 go onto the card's sheet, `embedded/weights/faces_samples.png`. The Fréchet distance is in the features of
`embedded.judges.attributes`, a network that guidance never uses.
"""

import io

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from benchmarks.frechet import frechet_distance, reference_statistics
from embedded.judges.attributes import FaceJudge
from tools.host import REPOSITORY
from tools.server import Client, running_host

STEPS, BATCH, COUNT = 50, 64, 256
SHEET = REPOSITORY / "embedded" / "weights" / "faces_samples.png"


def samples(host: Client, seed: int) -> np.ndarray:
    """A batch of unguided faces, uint8 `[64, 64, 64, 3]`, by the host's own KSampler."""
    nodes = {
        "model": ("DSG_LoadEmbeddedModel", {"model_name": "faces", "style": "any", "batch_size": BATCH}),
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
    """8×8 faces, each pixel doubled."""
    tiles = faces.reshape(8, 8, *faces.shape[1:]).swapaxes(1, 2).reshape(8 * 64, 8 * 64, 3)
    return Image.fromarray(tiles).resize((1024, 1024), Image.Resampling.NEAREST)


def main() -> None:
    with running_host() as host:
        faces = np.concatenate([samples(host, seed) for seed in tqdm(range(COUNT // BATCH), unit="batch")])
    sheet(faces[:64]).save(SHEET, optimize=True)
    images = torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        features = torch.cat([FaceJudge.load().features(batch) for batch in images.split(64)])
    print(f"Fréchet distance of {COUNT} samples: {frechet_distance(features, reference_statistics()):.2f}")


if __name__ == "__main__":
    main()
