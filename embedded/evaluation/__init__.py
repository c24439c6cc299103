"""How good the embedded networks and their judges are, measured on faces that none of them was trained on."""
