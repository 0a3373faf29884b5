"""Independent random numbers for every task and part, from one seed."""

import numpy as np

from hw_models.parts import InputError


def generator(seed: int, task: str, part: str) -> np.random.Generator:
    """A generator of its own for one part of one task; equal seeds give equal bits.

    Parameters
    ----------
    seed : int, at least 0
        The seed of the run.
    task, part : str
        Names that keep streams apart, such as "mackey-glass" and "train".
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed must be a whole number of at least 0, got {seed!r}; choose another, such as 42.")
    # names enter as bytes: hash() of a text differs from process to process
    return np.random.default_rng(np.random.SeedSequence([int(seed), *f"{task}/{part}".encode()]))
