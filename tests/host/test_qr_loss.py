"""QR codes in the host, read by a reader that guidance never saw; and what no code can be made of."""

import numpy as np
import pytest

from tasks.judging import judge_qr_code
from tasks.setting import Setting
from tasks.wiring import Batch, qr_code
from tools.graph import Graph, loss, run, sample
from tools.server import PromptError

BATCH = Batch(0, 8)
SETTING = Setting("MPGD", 0.5, "spherical")


def made(host, guided: bool) -> np.ndarray:
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=BATCH.size)
    positive = qr_code(graph, [model, 1], BATCH) if guided else [model, 1]
    return run(host, graph, *SETTING.sample(graph, model, positive, seed=0)).pictures


def test_a_reader_reads_each_picture_its_own_text(host):
    assert judge_qr_code(made(host, True), BATCH)["code read"].mean() > 0.8


def test_it_reads_nothing_on_unguided_pictures(host):
    assert judge_qr_code(made(host, False), BATCH)["code read"].sum() == 0


def refusal(host, code: tuple[str, dict], settings: dict) -> str:
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    kind, inputs = code
    inputs = {"module_size": 0, "margin": 4, "contrast": 0.4} | settings | {"code": [graph.add(kind, **inputs), 0]}
    positive = loss(graph, "DSG_QRLoss", [model, 1], **inputs)
    shown = sample(graph, model, positive, 0, 2, guidance_rate=0.1)
    with pytest.raises(PromptError) as error:
        run(host, graph, *shown)
    return str(error.value)


SHORT = ("DSG_QRCode", {"text": "dsg", "error_correction": "high (30 %)"})


@pytest.mark.parametrize(
    ("code", "settings", "words"),
    [
        (("DSG_QRCode", {"text": "", "error_correction": "low (7 %)"}), {}, ["QR Code: the text is empty"]),
        (("DSG_QRCode", {"text": "x" * 3000, "error_correction": "low (7 %)"}), {}, ["QR Code: the text is too long"]),
        (("DSG_LoadEmbeddedFaces", {"first": 0, "count": 1}), {}, ["QR Loss: no QR code was found"]),
        (SHORT, {"margin": 16}, ["QR Loss: the code has 53 modules", "need a picture of 106×106"]),
        (SHORT, {"module_size": 3}, ["QR Loss: the code has 29 modules", "87×87", "64×64"]),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(host, code, settings, words):
    message = refusal(host, code, settings)
    assert all(word in message for word in words), message
    assert "\n" not in message
