"""Take a folder of pictures through a workflow, on a running ComfyUI.

python -m tools.batch WORKFLOW FOLDER            the same command again goes on where it was left
python -m tools.batch WORKFLOW FOLDER --ray      on the machines of a Ray cluster

WORKFLOW is a file, as the front end saves or exports it, or the name of a template. docs/batch.md has the whole.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from tools.batch.cluster import run_on_cluster
from tools.batch.job import LOST, HostLost, Job, JobError, Outcome, Task, read_workflow
from tools.batch.results import LOG, Results, pictures_in
from tools.server import Client


def connect(address: str) -> Client:
    """The host at an address.

    Raises:
        JobError: if there is none.
    """
    host = Client(address)
    try:
        host.get("/system_stats")
    except LOST as error:
        raise JobError(f"No ComfyUI answers at {address}; start it, or give its address with --host.") from error
    return host


def run_on_host(job: Job, host: Client, folder: Path, names: list[str]) -> Iterator[tuple[str, Outcome]]:
    """What becomes of each picture, one after the other."""
    for name in names:
        try:
            yield name, job.run(host, name, (folder / name).read_bytes())
        except HostLost as lost:
            yield name, Outcome(error=str(lost), place=host.address)
            raise


def batch(options: argparse.Namespace) -> int:
    """Run what is left of a batch. Returns how many pictures failed."""
    task = Task(read_workflow(options.workflow), options.image)
    names = pictures_in(options.folder)
    results = Results(options.output, names, task.digest())
    left, failed = results.left, 0
    if options.ray:
        outcomes = run_on_cluster(task, options.folder, left, options.workers) if left else iter([])
    else:
        host = connect(options.host)
        outcomes = run_on_host(Job.of(task, host), host, options.folder, left)
    with tqdm(total=len(names), initial=len(names) - len(left), unit="picture") as bar:
        for name, outcome in outcomes:
            results.keep(name, outcome)
            failed += bool(outcome.error)
            bar.set_postfix(failed=failed)
            bar.update()
    print(f"{len(results.done)} of {len(names)} pictures are in {options.output}.")
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workflow")
    parser.add_argument("folder", type=Path, help="of pictures, with the folders in it")
    parser.add_argument("--output", type=Path, help="the folder of the results (default: FOLDER results)")
    parser.add_argument(
        "--image", metavar="ID", help="the node that gets the pictures, if there are several Load Image"
    )
    parser.add_argument("--host", default="127.0.0.1:8188", help="where ComfyUI runs (default: %(default)s)")
    parser.add_argument("--ray", action="store_true", help="start a ComfyUI on each machine of a Ray cluster instead")
    parser.add_argument("--workers", type=int, help="with --ray: how many (default: one a GPU, or one a machine)")
    options = parser.parse_args()
    options.output = options.output or options.folder.with_name(f"{options.folder.name} results")
    try:
        failed = batch(options)
    except JobError as error:
        raise SystemExit(f"{error}\nWhat is done is kept; the same command goes on.") from error
    except KeyboardInterrupt:
        raise SystemExit("\nWhat is done is kept; the same command goes on.") from None
    if failed:
        raise SystemExit(f"{failed} failed: {options.output / LOG} says why. The same command tries them again.")


if __name__ == "__main__":
    main()
