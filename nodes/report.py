"""A run's report, drawn and in numbers."""

import json

import torch
from comfy_api.latest import io

from ..sampling import RunReport
from .report_plot import plot_report
from .sockets import ReportSocket


class GuidanceReport(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_GuidanceReport",
            display_name="Guidance Report",
            category="DSG/sampling",
            description="Plots each loss, the gradient and the rate of a run, and gives the numbers as JSON.",
            inputs=[ReportSocket.Input("report", tooltip="From a DSG KSampler.")],
            outputs=[
                io.Image.Output("plot", display_name="plot"),
                io.String.Output("numbers", display_name="numbers"),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, report: RunReport) -> io.NodeOutput:
        plot = torch.from_numpy(plot_report(report)).float() / 255
        numbers = json.dumps(report.to_dict())
        return io.NodeOutput(plot[None], numbers, ui={"text": [numbers]})
