"""What neurons, rules and losses can do. The arguments of a method are all that it may use.

Records and drawn numbers are as in `hw_models.protocols`; a part that needs no record names `Nothing`.
"""

from typing import NamedTuple, Protocol

from hw_models.protocols import Nothing

__all__ = ["Arrivals", "Extra", "Loss", "Neuron", "Nothing", "Own", "Rule", "is_product"]


class Arrivals(NamedTuple):
    """What arrives at a neuron whose excitation and inhibition come down lines of their own."""

    excitation: float  #: sum of the positive products of weight and input, and the perturbation
    inhibition: float  #: sum of the negative ones


class Own(NamedTuple):
    """What a neuron knows of itself in one step, differences taken between the perturbed pass and the one that it is compared with."""

    xi: float  #: the perturbation it was given
    delta: float  #: the change of its activity
    out: float  #: its clean output
    sigma: float  #: the stated standard deviation of xi
    activity: float  #: what delta is the change of, as it is in the perturbed pass: current, membrane or trace of spikes, as the neuron's `activity` says


class Extra(NamedTuple):
    """What a rule may ask for by name in ``needs``; reading a field it did not name is refused. All are 0 unless asked for."""

    layer_energy: float  #: sum of delta**2 over the layer: a reduction, not local
    layer_size: float  #: number of neurons in the layer, a constant
    input_energy: float  #: sum of pre**2 over all that may be wired to the neuron: where wiring is dense, its own inputs


#: The needs that no single neuron or synapse can meet; a rule that names one is shown and counted as not local.
NOT_LOCAL = frozenset({"layer_energy", "transpose", "error", "history"})


class Neuron(Protocol):
    """A neuron model. Class attributes: ``Params`` (record of constants per neuron), ``State`` (record), ``draws``.

    A model whose numbers are times has `discrete`, ``Params`` and ``State`` alone: what `discrete` gives is run. With ``spikes = True`` its
    output is 0 or 1, an event that passes no DAC and no register; with ``apart = True`` its ``i_in`` is a record, `Arrivals`. Counters
    (``Bits(16, counts=True)``) stand last in its State.
    """

    optional = ("discrete",)

    def make(self, u): ...  # -> p                    constants of one neuron, mismatch included
    def start(self, p): ...  # -> s                    state at the start of a sequence
    def step(self, p, s, i_in): ...  # -> s, out, activity       activity is what rules see the difference of
    def discrete(self, step_s): ...  # -> the part that is run, with its constants for steps of so many seconds


class Rule(Protocol):
    """A learning rule: how a synapse changes when a reward is broadcast.

    Class attributes: ``site`` (where the perturbation enters: "current" or "weight"), ``needs`` (names of `Extra`), ``Register``
    (record per synapse) and ``Memory`` (record per neuron), each field with its width in `Bits`.
    With site "weight", ``a`` is the noise that the synapse was given over its variance, and `signal` is not used. A rule with `wander`
    makes of it what the weight is moved by, so that a perturbation may last. With `settle` changes are left to chance: ``draws`` names the
    random numbers that it takes, such as ``{"settle": "u"}``. A rule may have fields named as the options of `neurosim.rules.Perturbation` that say how
    passes are made and compared and changes written, and they mean the same: ``samples``, ``passes``, ``carry``, ``interval``, ``perturb``, ``reward``,
    ``update``, ``average``, ``threshold``, ``verify``, and those of decorrelation. It learns the readout too, at its ``readout_lr``; where
    ``perturb`` is "hidden" that is given no noise, and may look at ``own.delta``. With ``product = True`` a
    change is pre times something that knows neither w nor r, written as that one product, so that rows and columns of an array can write it
    by pulse trains that they share and what is asked of cells that will not move need not be worked out; a class with a `change` of its own
    says so itself.
    """

    optional = ("settle", "wander")

    def signal(self, m, own, extra): ...  # -> m, a      post neuron, every step
    def trace(self, r, pre, a): ...  # -> r         synapse, every step
    def change(self, w, r, pre, a, reward): ...  # -> dw        synapse, when a valid broadcast arrives
    def settle(self, w, d, u): ...  # -> dw        synapse, of a change d: rounded up or down, made or dropped, by chance
    def wander(self, r, a): ...  # -> a         synapse, in a perturbed pass; r is still that of the step before


def is_product(rule) -> bool:
    """Whether a rule's class says that a change is a product; what it inherits holds as long as the methods that make the change are those."""
    for cls in rule.__mro__:
        if "product" in vars(cls):
            return bool(vars(cls)["product"])
        if {"change", "trace", "settle", "Register"} & set(vars(cls)):
            return False
    return False


class Loss(Protocol):
    """A loss that is a sum over outputs. The reward is minus its change between passes."""

    def value(self, y, target): ...  # -> loss of one output
    def change(self, y, dy, target): ...  # -> loss at y + dy minus loss at y, without cancellation
    def slope(self, y, target): ...  # -> derivative, for the reference gradient
