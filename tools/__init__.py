"""Development tools: find or prepare a ComfyUI, run it, talk to it. Nothing of this runs inside the host."""
