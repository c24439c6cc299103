"""What the user is told of a run: in the log, on the node that samples, and in the report."""

import logging
from collections.abc import Iterator

from comfy_execution.utils import get_executing_context
from server import PromptServer

from ..sampling import RunReport

RISEN = 1.05  # times the first value
UNGUIDED = "DSG: the positive conditioning carries no loss, so this run is not guided."
ON_ANOTHER = "DSG: losses count on the positive conditioning alone, which carries none, so this run is not guided."
NOT_FINITE = (
    "DSG: the finished latent has values that are not finite (NaN), which show as black: the model gave them, or a "
    "step that was too large. Try the model without its patches or in a higher precision, and a smaller rate."
)
FEW_STEPS = (
    "DSG: {steps} steps are few, so each but the first is taken {often} times and the run takes as long as {passes}. "
    "For speed choose {method} with a recurrence of 1 in Guidance Method."
)


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
            server = PromptServer.instance
            server.send_progress_text("\n".join(shown), context.node_id, server.client_id)  # and to nobody else


def remarks_on(report: RunReport, asked: bool) -> Iterator[str]:
    """What a user should know of a run that was to be guided."""
    if not asked:
        return
    if not report.guided_steps:
        yield (
            f"DSG: none of the {len(report.steps)} steps was guided: no step begins within the ranges of the losses, "
            "their conditioning and the rate. Widen them, or take more steps."
        )
    elif report.skipped:
        names = ", ".join(report.not_finite)
        why = f" (NaN or infinite: {names})" if names else ""
        if report.skipped == report.guided_sample_steps:
            why = why or " (it was zero, or not finite)"
            yield f"DSG: no step had a usable gradient{why}, so this picture is not guided."
        else:
            yield f"DSG: {report.skipped} steps had no usable gradient and were taken unguided{why}."
    for name, first, last in report.not_fallen:
        went = f"rose from {first:.4g} to {last:.4g}" if last > RISEN * first else f"did not fall from {first:.4g}"
        yield f"DSG: the loss '{name}' {went}; try another rate, or more steps."
