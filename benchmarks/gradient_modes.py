"""What each way to the gradient costs: time and memory of a guided step as multiples of a plain one's.

    python -m benchmarks.gradient_modes                  the embedded model and Stable Diffusion 1.5, half an hour
    python -m benchmarks.gradient_modes --model embedded

Stable Diffusion 1.5 has its full UNet, and its KL VAE or a TAESD, with random weights, at 512×512. Each run has a host
of its own, on Linux, whose kernel tells the most memory that a process ever had; what the host has before it loads a
model is taken off. Results go to `benchmarks/results/gradient_modes.json`.
"""

import argparse
import itertools
import json
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from tools.graph import Graph, Slot
from tools.random_models import write_sd15, write_taesd
from tools.server import Client, prepare_base, running_host

MODES = ["exact", "low memory", "finite difference", "none"]
STEPS = {"embedded": 40, "SD 1.5, KL VAE": 2, "SD 1.5, TAESD": 2}
CHECKPOINT = "random-sd15.safetensors"
RESULTS = Path(__file__).parent / "results" / "gradient_modes.json"


def embedded(graph: Graph) -> tuple[Slot, Slot, Slot, Slot, int]:
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces", style="any", batch_size=8)
    return [model, 0], [model, 1], [model, 3], [model, 4], 64


def stable_diffusion(graph: Graph, vae: str) -> tuple[Slot, Slot, Slot, Slot, int]:
    model = graph.add("CheckpointLoaderSimple", ckpt_name=CHECKPOINT)
    text = graph.add("CLIPTextEncode", clip=[model, 1], text="")
    latent = graph.add("EmptyLatentImage", width=512, height=512, batch_size=1)
    other = [graph.add("VAELoader", vae_name="taesd"), 0] if vae == "TAESD" else [model, 2]
    return [model, 0], [text, 0], other, [latent, 0], 512


def graph_of(name: str, mode: str | None) -> Graph:
    """A run that is guided by a Mask Loss in every step, its gradient computed in this mode; unguided without one."""
    graph = Graph()
    parts = embedded(graph) if name == "embedded" else stable_diffusion(graph, name.rpartition(" ")[2])
    model, positive, vae, latent, side = parts
    negative, method = positive, {}
    if mode:
        image = [graph.add("EmptyImage", width=side, height=side, batch_size=1, color=0x808080), 0]
        mask = [graph.add("DSG_RandomMask", image=image, hidden=0.7, seed=0), 0]
        known = {"image": image, "mask": mask, "threshold": 0.5, "restore_known": False}
        whole = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
        positive = [graph.add("DSG_MaskLoss", conditioning=positive, **known, **whole), 0]
        method = {"method": [graph.add("DSG_GuidanceMethod", method="DPS", step_size=1.0, gradient=mode), 0]}
    run = graph.add(
        "DSG_KSampler",
        model=model,
        positive=positive,
        negative=negative,
        latent_image=latent,
        vae=vae,
        seed=0,
        steps=STEPS[name],
        cfg=1.0,
        scheduler="normal",
        denoise=1.0,
        guidance_rate=0.2,
        **method,
    )
    graph.add("SaveLatent", samples=[run, 0], filename_prefix="cost")
    return graph


def peak_memory(host: Client) -> int:
    """The most bytes that the host's process ever had."""
    status = Path(f"/proc/{host_process(host).pid}/status").read_text(encoding="utf-8")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def host_process(host: Client) -> psutil.Process:
    port = int(host.address.rpartition(":")[2])
    for process in psutil.Process().children():
        if any(connection.laddr.port == port for connection in process.net_connections("tcp")):
            return process
    raise RuntimeError("The host has ended.")


def cost(base: Path, name: str, mode: str | None) -> dict[str, float]:
    """Seconds of a step, and bytes of the model, the VAE and all that is computed."""
    times: list[float] = []
    with running_host(base) as host:
        before = peak_memory(host)
        host.run(graph_of(name, mode).nodes, lambda node, step, most: times.append(time.perf_counter()))
        return {
            "seconds": statistics.median(later - earlier for earlier, later in itertools.pairwise(times)),
            "bytes": peak_memory(host) - before,
        }


def measure(base: Path, name: str) -> list[dict]:
    """A row for each mode, as multiples of the plain run, which is the first one."""
    plain = cost(base, name, None)
    rows: list[dict] = [{"mode": "plain", "gigabytes": round(plain["bytes"] / 1e9, 2)}]
    for mode in MODES:
        found = cost(base, name, mode)
        ratios = {"time": found["seconds"] / plain["seconds"], "memory": found["bytes"] / plain["bytes"]}
        rows.append({"mode": mode} | {kind: round(ratio, 2) for kind, ratio in ratios.items()})
        print(name, rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(STEPS), nargs="*", default=list(STEPS))
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="comfyui-dsg-") as folder:
        base = Path(folder)
        prepare_base(base)
        if options.model != ["embedded"]:
            write_sd15(base / "models" / "checkpoints" / CHECKPOINT)
            write_taesd(base / "models" / "vae_approx")
        for name in options.model:
            results[name] = measure(base, name)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
