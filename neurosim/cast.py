"""The border: what people give becomes what kernels expect. Past it nothing is checked."""

from typing import Any, Literal, get_args, get_origin

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw_models.parts import InputError, fields, nearest

FloatArray = NDArray[np.floating]
DTYPES = {"float32": np.float32, "float64": np.float64}


def float_type(name: str) -> type:
    """The NumPy type of the run's arithmetic from its name."""
    if name not in DTYPES:
        raise InputError(f'dtype "{name}" is not known; {nearest(name, DTYPES)}')
    return DTYPES[name]


def lower(part, dtype):
    """The same part with every number in the run's float type, words replaced by their position, truth values kept, files opened."""
    part = part.opened() if hasattr(part, "opened") else part
    known = fields(type(part))
    return type(part)(*[_lower(known[name].kind, value, dtype, f"{type(part).__name__}.{name}") for name, value in part._asdict().items()])


def _lower(kind: Any, value: Any, dtype, where: str):
    if get_origin(kind) is Literal:
        return dtype(get_args(kind).index(value))
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.integer | np.floating):
        return dtype(value)
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value, dtype)
    raise InputError(f"{where} is {value!r}, which a compiled part cannot hold; use numbers, truth values or a Literal of words.")


def sequences(name: str, data: ArrayLike, width: int, dtype, steps: int = 1) -> FloatArray:
    """Inputs or targets as a contiguous (sequence, step, feature) array of the run's float type, of at least so many steps.

    Raises
    ------
    InputError
        If the shape does not fit or a value is not finite; its place is named.
    """
    array = np.asarray(data)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} holds {array.dtype}, but a network takes real numbers.")
    if array.ndim == 1 and width == 1:
        array = array[:, None]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[2] != width:
        raise InputError(f"{name} has shape {np.shape(data)}, but the network takes (step, {width}) or (sequence, step, {width}).")
    if array.shape[1] < steps or array.shape[0] == 0:
        raise InputError(f"{name} has shape {np.shape(data)}: there is no step in it; give at least one.")
    if not np.isfinite(array).all():
        s, t, i = np.argwhere(~np.isfinite(array))[0]
        raise InputError(f"{name} is {array[s, t, i]} at sequence {s}, step {t}, column {i}; every value must be finite.")
    return np.ascontiguousarray(array, dtype)
