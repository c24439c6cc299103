"""What the user is told of a run: in the log, on the node that samples, and in the report."""

import logging

from comfy_execution.utils import get_executing_context
from server import PromptServer


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
