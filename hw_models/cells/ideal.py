"""The ideal memory: keeps every number exactly."""

from typing import Annotated, NamedTuple

from hw_models.parts import Bits


class Stored(NamedTuple):
    """One number in floating point."""

    w: Annotated[float, Bits(32)]


class Ideal(NamedTuple):
    """Exact memory in the run's floating point: ``w <- w + dw``, without bounds."""

    State = Stored
    draws = {}
    bounded = False
    ages = False
    swallows = False

    @property
    def stored_bits(self) -> int:
        """One floating-point word."""
        return 32

    def make(self, u):
        return Stored(0.0)

    def program(self, s, w, now, u):
        return Stored(w)

    def write(self, s, dw, now, u):
        return Stored(s.w + dw), 1.0

    def read(self, s, u):
        return s.w
