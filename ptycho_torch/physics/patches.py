"""Cut patches out of an object, and put patches back: an adjoint pair.

Positions are (y, x) in the object's pixels, measured from the centre of its pixel [0, 0]; they need
not be whole numbers. A patch is centred on its pixel ``size // 2``, and between pixels both
operations weigh the four neighbours bilinearly. What lies outside the object is zero.
"""

from collections.abc import Iterator

import torch
from torch import Tensor


def _corners(
    positions_px: Tensor, patch_shape: tuple[int, int], object_shape: tuple[int, int]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield, for each bilinear neighbour, flat object indices and weights (position, y, x)."""
    height, width = object_shape
    whole = torch.floor(positions_px)
    fraction = positions_px - whole
    device = positions_px.device
    rows = whole[:, 0, None].long() + torch.arange(patch_shape[0], device=device)
    columns = whole[:, 1, None].long() + torch.arange(patch_shape[1], device=device)
    rows = rows - patch_shape[0] // 2
    columns = columns - patch_shape[1] // 2
    for below in (0, 1):
        y = rows + below
        weight_y = fraction[:, 0, None] if below else 1 - fraction[:, 0, None]
        weight_y = weight_y * ((y >= 0) & (y < height))
        for right in (0, 1):
            x = columns + right
            weight_x = fraction[:, 1, None] if right else 1 - fraction[:, 1, None]
            weight_x = weight_x * ((x >= 0) & (x < width))
            flat = y.clamp(0, height - 1)[:, :, None] * width + x.clamp(0, width - 1)[:, None, :]
            yield flat, weight_y[:, :, None] * weight_x[:, None, :]


def extract_patches(object_: Tensor, positions_px: Tensor, patch_shape: tuple[int, int]) -> Tensor:
    """Cut the patches of an object that lie around the scan positions.

    Args:
        object_: Real or complex (y, x).
        positions_px: Patch centres, real (position, yx).
        patch_shape: Height and width of a patch.

    Returns:
        The patches (position, y, x), of the object's type.

    Examples:
        >>> ramp = torch.arange(5.0).repeat(4, 1)
        >>> extract_patches(ramp, torch.tensor([[2.0, 2.5]]), (1, 3))
        tensor([[[1.5000, 2.5000, 3.5000]]])
    """
    flat_object = object_.reshape(-1)
    shape = (int(object_.shape[0]), int(object_.shape[1]))
    patches = object_.new_zeros((len(positions_px), *patch_shape))
    for index, weight in _corners(positions_px.to(object_.real.dtype), patch_shape, shape):
        patches = patches + flat_object[index] * weight
    return patches


def place_patches(patches: Tensor, positions_px: Tensor, object_shape: tuple[int, int]) -> Tensor:
    """Add patches into an empty object at the scan positions.

    The adjoint of :func:`extract_patches`: for every object and patches, ``<extract(object),
    patches>`` equals ``<object, place(patches)>``.

    Args:
        patches: Real or complex (position, y, x).
        positions_px: Patch centres, real (position, yx).
        object_shape: Height and width of the object.

    Returns:
        The object (y, x), of the patches' type.

    Examples:
        >>> place_patches(torch.ones(1, 1, 1), torch.tensor([[0.0, 1.25]]), (1, 3))
        tensor([[0.0000, 0.7500, 0.2500]])
    """
    patch_shape = (int(patches.shape[-2]), int(patches.shape[-1]))
    flat_object = patches.new_zeros(object_shape[0] * object_shape[1])
    for index, weight in _corners(positions_px.to(patches.real.dtype), patch_shape, object_shape):
        flat_object = flat_object.index_add(0, index.reshape(-1), (patches * weight).reshape(-1))
    return flat_object.reshape(object_shape)


def patch_indices(
    corners: Tensor, patch_shape: tuple[int, int], object_shape: tuple[int, int]
) -> Tensor:
    """Give where the pixels of patches at whole-pixel corners lie in the flattened object.

    ``object_.reshape(-1)[indices]`` cuts the patches; ``index_add`` with them is the adjoint.

    Args:
        corners: Object pixels (y, x) of the patches' pixels [0, 0], whole (position, yx).
        patch_shape: Height and width of a patch.
        object_shape: Height and width of the object, which holds every patch.

    Returns:
        Whole numbers (position, y, x).

    Examples:
        >>> patch_indices(torch.tensor([[1, 2]]), (2, 3), (4, 5)).tolist()
        [[[7, 8, 9], [12, 13, 14]]]
    """
    rows = corners[:, 0, None] + torch.arange(patch_shape[0], device=corners.device)
    columns = corners[:, 1, None] + torch.arange(patch_shape[1], device=corners.device)
    return rows[:, :, None] * object_shape[1] + columns[:, None, :]
