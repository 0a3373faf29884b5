"""What of a run is recorded: of which neurons, how often, and how much at most."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NamedTuple

import numpy as np

from hw_models.parts import InputError, Range, check, nearest
from neurosim import loop

SPIKES = "spikes"


class Probe(NamedTuple):
    """Which neurons to record, and how often.

    Parameters
    ----------
    neurons : sequence of int, optional
        Their numbers, counted through all hidden layers; all if not given.
    every : int, steps
        Steps from one sample to the next; the first is that of step 0. Spikes are noted in every step.
    limit : int
        Spikes that there is room for in each batch; a run with more is refused, so that memory stays bounded.
    """

    neurons: Any = None
    every: Annotated[int, Range("steps", 1)] = 1
    limit: Annotated[int, Range("", 1, 2**31)] = 1_000_000


class Spikes(NamedTuple):
    """Spikes in order of time: each the number of its sequence, its step and its neuron, counted through all hidden layers."""

    sequence: np.ndarray
    step: np.ndarray
    neuron: np.ndarray


def probes(record: Iterable[str] | Mapping[str, Probe], known: Iterable[str], where: str) -> dict[str, Probe]:
    """A probe for each name that is to be recorded.

    Raises
    ------
    InputError
        If a name is not among those that can be recorded.
    """
    wanted = {name: check(probe) for name, probe in record.items()} if isinstance(record, Mapping) else {name: Probe() for name in record}
    for name in wanted:
        if name not in known:
            raise InputError(f'{where} cannot record "{name}"; {nearest(name, known)}')
    return wanted


def view(name: str, wanted: Mapping[str, Probe], width: int, replicas: int, steps: int, number) -> loop.View:
    """Room for the samples of one name; none if it is not wanted."""
    if name not in wanted:
        return loop.View(np.zeros((0, 0, 0), number), np.zeros(0, np.int64), 1)
    which = chosen_neurons(name, wanted[name], width)
    return loop.View(np.zeros((replicas, -(-steps // wanted[name].every), len(which)), number), which, wanted[name].every)


def events(wanted: Mapping[str, Probe], width: int) -> loop.Events:
    """Room for spikes; none if they are not wanted."""
    watched, probe = np.zeros(width, bool), wanted.get(SPIKES)
    if probe is not None:
        watched[chosen_neurons(SPIKES, probe, width)] = True
    return loop.Events(np.zeros((probe.limit if probe else 0, 3), np.int32), watched, np.zeros(1, np.int64))


def spikes(kept: loop.Events) -> Spikes:
    """The spikes that were noted.

    Raises
    ------
    InputError
        If there were more than there was room for.
    """
    n, limit = int(kept.n[0]), len(kept.rows)
    if n > limit:
        raise InputError(
            f'There were {n} spikes and room for {limit}: record fewer neurons or steps, or give more room, record={{"spikes": Probe(limit={n})}}.'
        )
    return Spikes(*kept.rows[:n].T.copy())


def chosen_neurons(name: str, probe: Probe, width: int) -> np.ndarray:
    """The numbers of a probe's neurons."""
    which = np.arange(width) if probe.neurons is None else np.atleast_1d(np.asarray(probe.neurons))
    if which.dtype.kind not in "iu" or which.ndim != 1 or (len(which) and not 0 <= which.min() <= which.max() < width):
        raise InputError(f'Probe.neurons of "{name}" must be whole numbers from 0 to {width - 1}, got {probe.neurons!r}.')
    return which.astype(np.int64)
