"""A generic analog memory: spread from device to device, noise from write to write, bounds."""

from typing import Annotated, NamedTuple

from hw_models.parts import Bits, Range


class Device(NamedTuple):
    """One analog device: its conductance as a weight in -1..1, and how strongly it answers to a write (set by manufacture)."""

    w: Annotated[float, Bits(0)]
    gain: Annotated[float, Bits(0)]


class Analog(NamedTuple):
    """Bounded analog memory whose writes miss their target.

    ``w <- clip(w + gain * dw * (1 + write_noise * n), -1, 1)`` with gain = max(1 + spread * n', 0) fixed for each device and n, n'
    standard normal. Programming initial weights adds ``program_noise * n``.

    Parameters
    ----------
    write_noise : float, share of the change
        Standard deviation of a written change, from write to write.
    spread : float, share
        Standard deviation of the write gain from device to device.
    program_noise : float, share of full scale
        Standard deviation of the error when the initial weights are programmed.
    """

    write_noise: Annotated[float, Range("share of the change", 0.0)] = 0.3
    spread: Annotated[float, Range("share", 0.0)] = 0.3
    program_noise: Annotated[float, Range("share of full scale", 0.0, 1.0)] = 0.02

    State = Device
    draws = {"make": "n", "program": "n", "write": "n"}
    bounded = True
    ages = False
    swallows = False

    @property
    def stored_bits(self) -> int:
        """None: the value is a conductance, and takes a device instead of bits."""
        return 0

    def make(self, u):
        return Device(0.0 * u[0], max(1.0 + self.spread * u[0], 0.0))

    def program(self, s, w, now, u):
        return Device(min(max(w + self.program_noise * u[0], -1.0), 1.0), s.gain)

    def write(self, s, dw, now, u):
        change = s.gain * dw * (1.0 + self.write_noise * u[0])
        return Device(min(max(s.w + change, -1.0), 1.0), s.gain), 1.0

    def read(self, s, u):
        return s.w
