"""The tables and figures of the README, and the demo, each from one command."""
