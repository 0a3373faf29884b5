"""The half of a rule that lives in the synapse: what comes from below times the post signal times the broadcast.

A rule is one class of scalar methods. The built-in ones pair a signal (what the post neuron contributes) with a synapse (what is done
with it), `pair` makes the class and `family` those of one signal; a rule of your own is simply a `NamedTuple` with all three methods.
"""

from typing import Annotated, NamedTuple

from hw_models.parts import Bits
from neurosim.protocols import Nothing


class Eligibility(NamedTuple):
    """A synapse's decaying memory of what it has seen."""

    e: Annotated[float, Bits(16)]


class AtOnce:
    """``dW = lr * reward * pre * a``: no register."""

    lr: float

    Register = Nothing
    product = True

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return (self.lr * reward * pre) * a


class Traced:
    """``e <- decay * e + pre * a; dW = lr * reward * e``: one register a synapse."""

    lr: float
    decay: float

    Register = Eligibility

    def trace(self, r, pre, a):
        return Eligibility(self.decay * r.e + pre * a)

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * r.e


class Sign:
    """``dW = lr * sign(reward * pre * a)``: only the direction counts; no register. Where not ``signed`` (at a readout), as `AtOnce`."""

    lr: float
    signed: bool

    Register = Nothing

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        d = (reward * pre) * a
        return self.lr * d if not self.signed else (self.lr if d > 0.0 else (-self.lr if d < 0.0 else 0.0))


class SignTraced:
    """``e <- decay * e + pre * a; dW = lr * sign(reward * e)``: one register a synapse. Where not ``signed`` (at a readout), as `Traced`."""

    lr: float
    decay: float
    signed: bool

    Register = Eligibility

    def trace(self, r, pre, a):
        return Eligibility(self.decay * r.e + pre * a)

    def change(self, w, r, pre, a, reward):
        d = reward * r.e
        return self.lr * d if not self.signed else (self.lr if d > 0.0 else (-self.lr if d < 0.0 else 0.0))


def pair(name: str, module: str, signal: type, synapse: type) -> type:
    """The rule class that has the fields, methods and declarations of a signal and of a synapse."""
    fields = {**synapse.__annotations__, **getattr(signal, "__annotations__", {})}
    cls = NamedTuple(name, list(fields.items()))  # type: ignore[misc]
    for part in (signal, synapse):
        for key, value in vars(part).items():
            if not key.startswith("__") and key not in fields:
                setattr(cls, key, value)
    cls.__module__, cls.__doc__ = module, f"{signal.__doc__}\n\n{synapse.__doc__}"
    return cls


def family(name: str, module: str, signal: type) -> tuple[type, type, type, type]:
    """The classes of one signal: at once, with a trace, and either with the sign of its change alone."""
    return (
        pair(name, module, signal, AtOnce),
        pair(f"{name}Trace", module, signal, Traced),
        pair(f"{name}Sign", module, signal, Sign),
        pair(f"{name}SignTrace", module, signal, SignTraced),
    )
