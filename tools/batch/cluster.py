"""The pictures of a batch on the machines of a Ray cluster: a ComfyUI on each GPU, or on each machine if there is none.

Ray places the workers, starts a lost one anew and gives it its picture again. Each machine has this checkout in the
same place, and a ComfyUI that `tools.comfyui` finds there. Pictures come and go through Ray: nothing else is shared.
"""

import contextlib
import dataclasses
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.batch.job import HostLost, Job, JobError, Outcome, Task
from tools.comfyui import REPOSITORY, installed_host
from tools.server import prepare_base, running_host

PATIENCE = 3  # how often Ray gives a picture to a worker again that was lost with it


def prepare_host(base: Path) -> None:
    """A host's folders, with the models and packs of the machine's own ComfyUI if it has one."""
    installed = installed_host()
    if installed:
        (base / "models").symlink_to(installed / "models", target_is_directory=True)
        (base / "custom_nodes").mkdir()
        for pack in (installed / "custom_nodes").iterdir():
            if pack.resolve() != REPOSITORY:
                (base / "custom_nodes" / pack.name).symlink_to(pack.resolve(), target_is_directory=pack.is_dir())
    prepare_base(base)


class Worker:
    """A machine's part, or a GPU's: a ComfyUI that lives as long as it does."""

    def __init__(self, task: Task) -> None:
        os.environ.pop("OMP_NUM_THREADS", None)  # Ray's: one thread, where a ComfyUI has the machine to itself
        self.task = task
        self.job: Job | None = None
        self.start()

    def start(self) -> None:
        self.stack = contextlib.ExitStack()
        base = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="comfyui-dsg-")))
        prepare_host(base)
        self.host = self.stack.enter_context(running_host(base))

    def run(self, name: str, content: bytes) -> tuple[str, Outcome]:
        """Take a picture through; with another ComfyUI, once, if this one ends."""
        self.job = self.job or Job.of(self.task, self.host)
        try:
            outcome = self.job.run(self.host, name, content)
        except HostLost:
            self.stack.close()
            self.start()
            try:
                outcome = self.job.run(self.host, name, content)
            except HostLost as lost:
                outcome = Outcome(error=f"twice a ComfyUI ended while it had this picture: {lost}")
        return name, dataclasses.replace(outcome, place=f"{socket.gethostname()}, process {os.getpid()}")


def run_on_cluster(task: Task, folder: Path, names: list[str], workers: int | None) -> Iterator[tuple[str, Outcome]]:
    """What becomes of each picture, in the order in which they are ready.

    Args:
        workers: how many; None: as many as there are GPUs, or machines if there are none.

    Raises:
        JobError: if Ray is not installed or gives up.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray.util import ActorPool
    except ModuleNotFoundError as error:
        raise JobError("--ray needs Ray; install it with `pip install ray`.") from error
    ray.init(log_to_driver=False)
    gpus = int(ray.cluster_resources().get("GPU", 0))
    count = workers or gpus or sum(node["Alive"] for node in ray.nodes())
    worker = ray.remote(Worker).options(
        num_cpus=1,
        num_gpus=1 if gpus else 0,
        scheduling_strategy="SPREAD",
        max_restarts=-1,
        max_task_retries=PATIENCE,
    )
    try:
        pool = ActorPool([worker.remote(task) for _ in range(min(count, len(names)))])
        yield from pool.map_unordered(lambda actor, name: actor.run.remote(name, (folder / name).read_bytes()), names)
    except ray.exceptions.RayTaskError as error:
        raise JobError(str(error.cause)) from error
    except ray.exceptions.RayError as error:
        raise JobError(f"Ray gives up: {error}") from error
    finally:
        ray.shutdown()
