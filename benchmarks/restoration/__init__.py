"""Inpainting, super-resolution and deblurring by this pack and by the field's libraries, on the same network."""
