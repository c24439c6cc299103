"""What the user is told of a run: in the log, on the node that samples, and in the report."""

import logging
from collections.abc import Iterator

from comfy_execution.utils import get_executing_context
from server import PromptServer

from ..sampling import RunReport

UNGUIDED = "DSG: the positive conditioning carries no loss, so this run is not guided."
ON_ANOTHER = "DSG: losses count on the positive conditioning alone, which carries none, so this run is not guided."


class Remarks:
    """The sentences of one run, each once, in order."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def tell(self, sentence: str) -> None:
        if sentence in self.sentences:
            return
        self.sentences.append(sentence)
        logging.warning(sentence)
        context = get_executing_context()
        if context is not None:
            shown = [sentence.removeprefix("DSG: ") for sentence in self.sentences]
            PromptServer.instance.send_progress_text("\n".join(shown), context.node_id)


def remarks_on(report: RunReport, asked: bool) -> Iterator[str]:
    """What a user should know of a run that was to be guided."""
    if not asked:
        return
    if not report.guided_steps:
        yield (
            f"DSG: none of the {len(report.steps)} steps was guided: no step begins within the ranges of the losses, "
            "their conditioning and the rate. Widen them, or take more steps."
        )
    if report.skipped:
        yield f"DSG: {report.skipped} steps had no usable gradient and were taken unguided."
    for name, first, last in report.risen:
        yield f"DSG: the loss '{name}' rose from {first:.4g} to {last:.4g}; try another rate, or more steps."
