"""A network: how many neurons of which kind, and the weights it starts with."""

import functools
from typing import Annotated, Any, NamedTuple

import numpy as np

from hw_models.parts import InputError, Range, check
from neurosim import random
from neurosim.neurons import ALL_NEURONS, Linear, Tanh
from neurosim.wiring import DENSE, Dense, Wires


class Network(NamedTuple):
    """Input, layers, readout. One step: ``h_l = A_l x_(l-1)(t) + R_l x_l(t-1); x_l = f(h_l); y = B x_L``.

    Parameters
    ----------
    inputs : int, neurons
        Width of the input; 0 is a network that runs by itself.
    hidden : int or tuple of int, neurons
        Size of each layer, from the input to the readout.
    outputs : int, neurons
        Width of the output.
    neuron : part
        Neuron model of the layers.
    readout : part
        Neuron model of the readout.
    gain : float
        Initial recurrent and input weights are normal with standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Xavier).
    readout_gain : float
        As gain for the readout; 0 starts it at zero, so that an untrained network answers zero.
    wiring : part
        Which neurons of a layer reach which. Of sparse wiring fans are what they are on average.
    bias : bool
        Whether A and B have one more row, the last, that sees a constant 1; it starts at zero.
    input_gain : float
        By how much the weights of the input are larger: how strongly the network is driven. A chip's scale for them is larger, too.

    References
    ----------
    Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", PMLR 9:249-256.
    """

    inputs: Annotated[int, Range("neurons", 0)]
    hidden: int | tuple[int, ...]
    outputs: Annotated[int, Range("neurons", 1)]
    neuron: Any = Tanh()
    readout: Any = Linear()
    gain: Annotated[float, Range("", 0.0, open_low=True)] = 1.0
    readout_gain: Annotated[float, Range("", 0.0)] = 1.0
    wiring: Any = Dense()
    bias: bool = False
    input_gain: Annotated[float, Range("", 0.0, open_low=True)] = 1.0

    @property
    def layers(self) -> tuple[int, ...]:
        """Sizes of the layers."""
        sizes = tuple(self.hidden) if isinstance(self.hidden, tuple | list) else (self.hidden,)
        if not sizes or any(isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1 for n in sizes):
            raise InputError(
                f"Network.hidden must be a whole number of neurons of at least 1, or several such numbers, got {self.hidden!r}."
            )
        return tuple(int(n) for n in sizes)

    def validate(self):
        _ = self.layers
        if isinstance(self.wiring, str | type):
            raise InputError(f"Network.wiring must be a wiring such as neurosim.wiring.Sparse(0.02), got {self.wiring!r}.")
        for name in ("neuron", "readout"):
            if isinstance(getattr(self, name), str | type):
                known = ", ".join(kind.__name__ for kind in ALL_NEURONS.values())
                raise InputError(
                    f"Network.{name} must be a neuron such as neurosim.neurons.Tanh(), got {getattr(self, name)!r}. Kinds: {known}."
                )

    def shapes(self) -> list[tuple[int, int]]:
        """(pre, post) of every projection: layer by layer from below and recurrent, then the readout."""
        below, found = self.inputs, []
        for n in self.layers:
            found += [(below + self.bias, n), (n, n)]
            below = n
        return [*found, (below + self.bias, self.outputs)]

    @property
    def populations(self) -> list[str]:
        """Names of the layers and of the readout."""
        deep = len(self.layers) > 1
        return [*(f"hidden-{k}" if deep else "hidden" for k in range(1, len(self.layers) + 1)), "readout"]

    @property
    def projections(self) -> list[str]:
        """Names of the projections, in the order of `shapes`."""
        names = self.populations
        return [f"{source} to {name}" for below, name in zip(["input", *names], names) for source in (below, name)][:-1]

    def spiking(self, decorrelated: bool = False, raw_recurrence: bool = True) -> list[bool]:
        """For each projection, whether it carries spikes: not the input's numbers, nor what decorrelation makes of spikes.

        Parameters
        ----------
        decorrelated : bool
            Whether a matrix decorrelates what the layers send.
        raw_recurrence : bool
            Whether recurrent weights see what a layer sends all the same.
        """
        sends = bool(getattr(self.neuron, "spikes", False))
        inside = [sends and (not decorrelated or raw_recurrence), sends and not decorrelated]  # recurrent, to what is above
        return [False, *inside * len(self.layers)]

    def sigmas(self) -> list[float]:
        """Xavier standard deviation of every projection at gain 1, of that from the input times its own."""
        fan = [self.wiring.probability if k % 2 else 1.0 for k in range(len(self.shapes()))]
        fans = [share * (pre + post) for share, (pre, post) in zip(fan, self.shapes(), strict=True)]
        own = [self.input_gain] + [1.0] * (len(fans) - 1)
        return [
            gain * float(np.sqrt(2 / n)) if n > 0 else 1.0 for n, gain in zip(fans, own, strict=True)
        ]  # where there is no wire, any number will do

    def synapses(self, seed: int) -> list[int]:
        """How many weights each projection has; those of a sparse one follow from the seed."""
        return [_wired(self.wiring, pre, seed, k) if k % 2 else pre * post for k, (pre, post) in enumerate(self.shapes())]

    def wires(self, seed: int) -> list[Wires]:
        """Wires of every projection, from the seed alone; those of dense ones are not listed."""
        return [_wires(self.wiring, pre, seed, k) if k % 2 else DENSE for k, (pre, _) in enumerate(self.shapes())]

    def weights(self, seed: int) -> list[np.ndarray]:
        """Initial weights of every projection, each (pre, post), or (wire,) of a sparse one, from the seed alone."""
        check(self)
        rng, wires = random.generator(seed, random.INITIAL_WEIGHTS), self.wires(seed)
        shapes = [w.post.shape if len(w.start) else shape for w, shape in zip(wires, self.shapes(), strict=True)]
        gains = [self.gain] * (2 * len(self.layers)) + [self.readout_gain]
        found = [rng.standard_normal(shape) * sigma * gain for shape, sigma, gain in zip(shapes, self.sigmas(), gains, strict=True)]
        for w in found[::2] if self.bias else ():
            w[-1] = 0
        return found


def _wires(wiring, n: int, seed: int, k: int) -> Wires:
    return wiring.wires(n, random.generator(seed, random.WIRING + k))


@functools.lru_cache
def _wired(wiring, n: int, seed: int, k: int) -> int:
    """Synapses of a recurrent projection: only sparse ones must be drawn to be counted."""
    return len(_wires(wiring, n, seed, k).post) if wiring.sparse else n * n
