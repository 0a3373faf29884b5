"""Train, validation and test as three stretches of the same data."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from hw_models.parts import InputError
from neurosim.tasks.dataset import PARTS, Series


def as_fractions(split: Any) -> Any:
    """A list (from TOML) or text such as ``0.8,0.1,0.1`` (from the command line) as a tuple of numbers."""
    if isinstance(split, str):
        try:
            return tuple(float(item) for item in split.split(","))
        except ValueError:
            return split
    return tuple(split) if isinstance(split, list) else split


#: Type of a field; how many fractions there are is for `check_split` to say, in words.
Split = Annotated[tuple[float, ...], BeforeValidator(as_fractions)]


def check_split(split: Any, where: str) -> tuple[float, ...]:
    """Three fractions greater than 0 that add up to 1."""
    found = as_fractions(split)
    numbers = isinstance(found, tuple) and len(found) == 3 and all(isinstance(f, (int, float)) for f in found)
    if not numbers or not all(f > 0 for f in found) or abs(sum(found) - 1) > 1e-9:
        raise InputError(
            f"{where} must be three fractions greater than 0 that add up to 1 (train, validation, test), got {split!r}; try 0.8,0.1,0.1."
        )
    return found


def spans(split: Sequence[float], count: int, least: int, noun: str, where: str, cure: str = "") -> list[slice]:
    """First to last of the count rows (or sequences) in each part, in order and without a gap.

    Raises
    ------
    InputError
        If a part would have fewer than `least`.
    """
    ends = [0, *(int(end) for end in np.rint(np.cumsum(split)[:2] * count)), count]
    found = [slice(start, stop) for start, stop in pairwise(ends)]
    for part, span in zip(PARTS, found, strict=True):
        if span.stop - span.start < least:
            raise InputError(
                f"{where} gives {span.stop - span.start} of {count} {noun} to the {part} part, which needs at least {least}; "
                f"give more {noun} or a larger fraction{cure}."
            )
    return found


def stretch(span: slice, warmup: int, inputs: NDArray, targets: NDArray, persistence: NDArray | None = None) -> Series:
    """The steps of a span of one long series, after up to `warmup` earlier steps that settle the network and do not count.

    Parameters
    ----------
    span : slice
        The steps that count.
    warmup : int
        Earlier steps to put in front, as far as there are any.
    inputs, targets, persistence : (step, column)
    """
    start = max(0, span.start - warmup)

    def part(array: NDArray) -> NDArray:
        return array[None, start : span.stop].copy()  # a copy, so that no part is a view of another

    counted = np.arange(start, span.stop)[None] >= span.start
    return Series(part(inputs), part(targets), counted, None if persistence is None else part(persistence))
