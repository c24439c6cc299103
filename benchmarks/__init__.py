"""The tables and figures of the pages, and the demo, each from one command."""
