"""What a GPU makes of the pack: `python -m benchmarks.gpu`."""
