"""What the live chart costs: `python -m benchmarks.live_chart`."""
