"""The drawn report of a run."""

import io
import json

import numpy as np
from PIL import Image

from tests.host.graphs import Run

MARGIN = 3  # pixels that nothing is drawn on


def test_what_a_run_said_fits_below_its_plot(host):
    run = Run(steps=2)
    run.guide()
    rate = run.graph.add("DSG_AutomaticGuidanceRate", share=1.0, start_percent=0.0, end_percent=1.0)
    run.inputs = {"rate_blend": [rate, 0]}  # which repeats so few steps, and says so
    report = run.graph.add("DSG_GuidanceReport", report=[run.sampled(), 1])
    shown = run.graph.add("PreviewImage", images=[report, 0])
    outputs = host.run(run.graph.nodes)
    (remark,) = json.loads(outputs[report]["text"][0])["remarks"]
    assert len(remark) > 100
    (entry,) = outputs[shown]["images"]
    plot = np.asarray(Image.open(io.BytesIO(host.picture(entry))).convert("L"))
    assert (plot[:, :MARGIN] == 255).all()
    assert (plot[:, -MARGIN:] == 255).all()
