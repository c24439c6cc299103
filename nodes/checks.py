"""What the user gave: checked, and pictures and masks brought into the losses' layout."""

from collections.abc import Mapping

from torch import Tensor


def image_from_host(image: Tensor, node: str) -> Tensor:
    """IMAGE `[N, H, W, C]` → `[N, 3, H, W]`, float32, an alpha channel dropped, grey repeated.

    Raises:
        ValueError: if a value is not finite.
    """
    if not image.isfinite().all():
        raise ValueError(f"{node}: the image holds NaN or infinite values; check the node that made it.")
    return image[..., :3].expand(*image.shape[:3], 3).movedim(-1, 1).float().contiguous()


def image_to_host(image: Tensor) -> Tensor:
    """`[N, 3, H, W]` → IMAGE `[N, H, W, 3]` in [0, 1]."""
    return image.clamp(0, 1).movedim(1, -1).contiguous()


def mask_from_host(mask: Tensor, node: str) -> Tensor:
    """MASK `[N, H, W]` or `[H, W]` → `[N, 1, H, W]`, float32.

    Raises:
        ValueError: if a value is not finite.
    """
    if not mask.isfinite().all():
        raise ValueError(f"{node}: the mask holds NaN or infinite values; check the node that made it.")
    return mask.reshape(-1, 1, *mask.shape[-2:]).float()


def where_from_host(where: Tensor | None, node: str) -> Tensor | None:
    """A loss's optional `where` mask as `AppliedLoss.where`.

    Raises:
        ValueError: if a value is not finite, or the mask is black everywhere.
    """
    if where is None:
        return None
    mask = mask_from_host(where, node).clamp(0, 1)
    if not mask.any():
        raise ValueError(f"{node}: the where mask is black everywhere, so the loss could change nothing; paint it.")
    return mask


def class_number(name: str, labels: Mapping[int, str], node: str) -> int:
    """The number of a class by its name, upper or lower case.

    Raises:
        ValueError: in one sentence that lists the classes, for one that the model does not have.
    """
    known = {label.lower(): number for number, label in labels.items()}
    if name.strip().lower() not in known:
        raise ValueError(f"{node}: the model has no class {name.strip()!r}; it has {', '.join(labels.values())}.")
    return known[name.strip().lower()]


def check_range(start_percent: float, end_percent: float, node: str) -> None:
    """Raises ValueError if a range of the run ends before it begins."""
    if start_percent > end_percent:
        raise ValueError(
            f"{node}: start_percent ({start_percent:g}) lies behind end_percent ({end_percent:g}), so no step would be "
            "guided; swap them."
        )
