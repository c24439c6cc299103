"""How the embedded networks were trained; each file is one command."""
