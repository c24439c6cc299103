"""What the front end draws of a run while it goes on, on the node that samples.

After each step one message goes to the client that queued the run. The runs so far are kept as well, and served to whom
the messages did not reach: a page that was loaded again, a second tab with the same graph. The other end is
`web/js/live_chart.js`.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from statistics import fmean
from threading import Lock
from typing import Any, NamedTuple

from aiohttp import web
from comfy_execution.progress import get_progress_state
from comfy_execution.utils import get_executing_context
from server import PromptServer

from ..sampling import RunReport
from ..sampling.report import StepRecord

MESSAGE = "dsg.step"
ROUTE = "/dsg/runs"
KEPT_STEPS = 20_000  # of all kept runs together: a few MB

_numbers = count()  # each run has its own


class Place(NamedTuple):
    """A node of a graph: the graph's id in the front end, and the node's, "12:3" inside subgraphs."""

    graph: str
    node: str


@dataclass(frozen=True)
class ChartStep:
    """One step, as it is drawn.

    Attributes:
        losses: name → the samples' mean; None where that is not finite.
        rate: the guidance rate, if the method has one.
        guided: whether it was.
        skipped: samples that were to be guided and were not.
    """

    losses: dict[str, float | None]
    rate: float | None
    guided: bool
    skipped: int

    @classmethod
    def of(cls, record: StepRecord) -> "ChartStep":
        losses = {name: finite(fmean(values)) for name, values in record.losses.items()}
        rate = None if record.guidance_rate is None else finite(record.guidance_rate)
        return cls(losses, rate, bool(record.gradient_norm), record.skipped)


@dataclass(frozen=True)
class ChartRun:
    """A run so far.

    Attributes:
        number: unlike any other run's of this server.
        node: see `Place`.
        prompt: the host's id of what was queued.
        turn: 1, and more where a node samples several times in one prompt.
        total: the number of steps that it will have.
        method, gradient_modes: see `RunReport`.
        steps: those that are done.
    """

    number: int
    node: str
    prompt: str
    turn: int
    total: int
    method: str = ""
    gradient_modes: list[str] = field(default_factory=list)
    steps: list[ChartStep] = field(default_factory=list)

    def after(self, report: RunReport) -> "ChartRun":
        """The run with one more step, the report's last one."""
        steps = [*self.steps, ChartStep.of(report.steps[-1])]
        return replace(self, method=report.method, gradient_modes=list(report.gradient_modes), steps=steps)

    def message(self) -> dict[str, Any]:
        """The run with its last step alone, and how many there are by now."""
        return asdict(replace(self, steps=self.steps[-1:])) | {"done": len(self.steps)}


class RecentRuns:
    """The last run of each node, of those whose steps fit into `KEPT_STEPS`; the latest is always kept."""

    def __init__(self) -> None:
        self._runs: dict[Place, ChartRun] = {}
        self._lock = Lock()  # the host samples in one thread and serves in another

    def begin(self, place: Place, prompt: str, total: int) -> ChartRun:
        with self._lock:
            last = self._runs.get(place)
        turn = last.turn + 1 if last and last.prompt == prompt else 1
        return ChartRun(next(_numbers), place.node, prompt, turn, total)

    def keep(self, place: Place, run: ChartRun) -> None:
        with self._lock:
            self._runs.pop(place, None)
            self._runs[place] = run  # the latest at the end
            steps = sum(len(each.steps) for each in self._runs.values())
            while steps > KEPT_STEPS and len(self._runs) > 1:
                steps -= len(self._runs.pop(next(iter(self._runs))).steps)

    def of(self, graph: str) -> list[ChartRun]:
        """Those of one graph, the latest at the end."""
        with self._lock:
            return [run for place, run in self._runs.items() if place.graph == graph]


_recent = RecentRuns()


def finite(value: float) -> float | None:
    """The value; None where JSON has no word for it."""
    return value if math.isfinite(value) else None


def live_chart(total: int) -> Callable[[RunReport], None]:
    """What shows the steps of a run as they come: called after each of them with the report so far.

    Args:
        total: the number of steps.
    """
    context, server = get_executing_context(), getattr(PromptServer, "instance", None)
    if context is None or server is None:
        return lambda report: None
    graph = graph_of(server, context.prompt_id)
    if graph is None:  # queued by a program, which has no nodes to draw on
        return lambda report: None
    place = Place(graph, get_progress_state().dynprompt.get_display_node_id(context.node_id))
    run = _recent.begin(place, context.prompt_id, total)

    def show(report: RunReport) -> None:
        nonlocal run
        run = run.after(report)
        _recent.keep(place, run)
        if server.client_id is not None:  # without one the host would send to everybody
            server.send_sync(MESSAGE, {"graph": graph} | run.message(), server.client_id)

    return show


def graph_of(server: PromptServer, prompt_id: str) -> str | None:
    """The id that the front end gave to the graph of a prompt that is running."""
    running, _ = server.prompt_queue.get_current_queue_volatile()
    found: Any = next((extra_data for _, number, _, extra_data, *_ in running if number == prompt_id), None)
    for key in ("extra_pnginfo", "workflow", "id"):  # made by whoever queued it
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


async def serve_runs(request: web.Request) -> web.Response:
    """The recent runs of `?graph=`, the latest at the end."""
    return web.json_response([asdict(run) for run in _recent.of(request.query.get("graph", ""))])


def serve_live_chart() -> None:
    """Add the route to the host's, before it starts."""
    server = getattr(PromptServer, "instance", None)
    if server is not None:
        server.routes.get(ROUTE)(serve_runs)
