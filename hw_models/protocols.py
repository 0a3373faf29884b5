"""What the parts of a chip can do. Every method works on plain numbers; the simulator calls it for arrays, compiled.

A state record is one `NamedTuple` class: it holds arrays in the simulator's loop and numbers inside a method. A method that needs
random numbers is named in ``draws``: a letter a number, ``"u"`` uniform in (0, 1), ``"n"`` standard normal; they arrive as the
tuple ``u``. Every number a method sees has the run's float type; a field chosen from words arrives as the word's position.
"""

from typing import NamedTuple, Protocol


class Nothing(NamedTuple):
    """An empty record: of a part that keeps no state. It vanishes when compiled."""


class Cell(Protocol):
    """What a memory does to one number. Cells hold -1..1; the layer's digital scale turns that into a weight.

    Class attributes: ``State`` (record; each field with its width in `Bits`), ``draws``, ``bounded`` (False: any value fits and the
    layer's scale is 1), ``ages`` (True: `age` is called as simulated time passes), ``swallows`` (False: no write is ever lost). Property ``stored_bits``: bits of memory
    that one cell takes. With `chance` the loop skips to the cells that move.
    """

    optional = ("age", "chance")

    def make(self, u): ...  # -> s            a device comes out of the factory: spread from device to device
    def program(self, s, w, now, u): ...  # -> s            initial weights
    def write(
        self, s, dw, now, u
    ): ...  # -> s, hit       a change of dw is asked for; hit = pulses delivered, 0 if it was swallowed or dw was 0
    def chance(self, dw): ...  # -> p            `write` moves a cell just when u[0] < p (or not, at its bound): the loop then skips
    def read(self, s, u): ...  # -> w            what the array sees
    def age(self, s, then, now, u): ...  # -> s            drift and decay between two moments, in seconds


class Tile(Protocol):
    """How an array sums a column. Class attributes: ``Column`` (record: a column's own gain, offset ...), ``Sums`` (record: what is added up over rows), ``draws``."""

    def make(self, u): ...  # -> column
    def gather(self, w, x, at): ...  # -> Sums, to be added up over rows; `at` is the row's place on its tile, above 0 to 1
    def finish(self, column, sums, u): ...  # -> h            noise and errors of the summed column


class Converter(Protocol):
    """A DAC in front of an array or an ADC behind it."""

    def convert(self, x, u): ...  # -> x


class Noise(Protocol):
    """The source of perturbations. Class attributes: ``State`` (record per neuron), ``draws``; a field ``sigma`` states its standard deviation.

    With ``silent = True`` it is always 0 and learning is left with the chip's own noise, whose size in one pass ``sigma`` states. A
    source with ``opened()`` gives with it the part that is run: itself with an array in place of the name of a file.
    """

    def make(self, u): ...  # -> s
    def next(self, s, u): ...  # -> s, xi


class Wire(Protocol):
    """The reward wire: one number an event for the whole chip. Class attributes: ``State`` (delay line ...), ``draws``.

    Each step of learning is a `send`, or a `wait` where there is nothing to send; a wire without `wait` then delivers nothing.
    """

    optional = ("wait",)

    def make(self, u): ...  # -> s
    def send(self, s, value, u): ...  # -> s, received, valid
    def wait(self, s): ...  # -> s, received, valid        a step without a reward: what was sent earlier may arrive
