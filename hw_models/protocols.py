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
    layer's scale is 1), ``ages`` (True: `age` is called as simulated time passes), ``swallows`` (False: no write is ever lost), ``forms`` (a field
    chosen from words: where `write` is most of the work, the loop is compiled for each). The ``State`` may name in ``made`` what `write` never
    changes, and in ``aside`` what it does not even read.
    Properties: ``stored_bits``, bits of memory that one cell takes; ``keeps``, True if changes for which no pulse is delivered add up
    inside the cell, unseen, so that its state changes with hit 0 and nothing is lost; ``most_pulses``, the most that one write delivers, if
    that can be more than one.

    `chance` says when a cell need not be asked: the result is the same (a class that overrides `write` alone is always asked). Unless the first
    random number of `write` is uniform, that is 0 or 1. ``linear`` (True: the chance is proportional to the size of the change) spares working
    out what is asked of cells that will not move, and ``cheap`` (True: a write costs little) has all cells of some rows written where one in
    twenty may move. A cell with `slots` can be written by stochastic pulse trains which the rows and columns of an array share: its field ``step``
    is the mean change by one pulse, and where n slots coincide, `write` is asked for n + 1/2 steps with u[0] = 1 under the first word of ``forms``,
    which must make that n pulses.
    """

    optional = ("age", "chance", "slots")

    def make(self, u): ...  # -> s            a device comes out of the factory: spread from device to device
    def program(self, s, w, now, u): ...  # -> s            initial weights
    def write(
        self, s, dw, now, u
    ): ...  # -> s, hit       a change of dw is asked for; hit = pulses delivered, 0 if it was swallowed, waits, or dw was 0
    def chance(self, dw): ...  # -> p            `write` leaves a cell as it is unless u[0] < p: the loop asks no other cell
    def slots(self): ...  # -> n            length of the trains of an array's rows and columns; 0: it draws none
    def read(self, s, u): ...  # -> w            what the array sees
    def age(self, s, then, now, u): ...  # -> s            drift and decay between two moments, in seconds


def is_linear(cell) -> bool:
    """Whether a cell's class says that its chance is proportional to the change; what it inherits holds as long as `chance` is that one."""
    for cls in cell.__mro__:
        if "linear" in vars(cls):
            return bool(vars(cls)["linear"])
        if "chance" in vars(cls):
            return False
    return False


class Tile(Protocol):
    """How an array sums a column. Class attributes: ``Column`` (record: a column's own gain, offset ...), ``Sums`` (record: what is added up
    over rows), ``draws``, ``exact`` (True: a sum of products and nothing else; where the ADC is exact too, sparse wires add to currents at once)."""

    def make(self, u): ...  # -> column
    def gather(self, w, x, at): ...  # -> Sums, to be added up over rows; `at` is the row's place on its tile, above 0 to 1
    def finish(self, column, sums, u): ...  # -> h            noise and errors of the summed column


class Converter(Protocol):
    """A DAC in front of an array, one a row, or an ADC behind it, one a column of every tile. Class attribute: ``draws``.

    A number passes `enter`, then `convert`. A converter whose lines are all alike leaves out `make` and `enter`; one that names them
    also names ``Params`` (record of constants per line). One that never saturates leaves out `clips`, and nothing is counted. One that
    passes every number as it is may say so with ``exact``, as a `Tile` may.
    """

    optional = ("make", "enter", "clips")

    def make(self, u): ...  # -> p            constants of one line, mismatch included
    def enter(self, p, x): ...  # -> x            errors of this line
    def clips(self, x): ...  # -> 1 if what entered lies beyond the range, else 0
    def convert(self, x, u): ...  # -> x


class Circuit(Protocol):
    """How the chip's neuron circuits carry out what the network's neuron model says. Class attribute: ``draws``.

    The current passes `enter` and the model then computes. What a circuit holds, the current that entered, each number of the model's
    state and the output, passes `hold`; the output of a step follows from its state before that is held. A method that is left out is
    that of an ideal circuit; one with `make` names ``Params`` (record of constants per neuron).
    """

    optional = ("make", "enter", "pace", "hold", "clips")

    def make(self, u): ...  # -> p            constants of one neuron, mismatch included
    def enter(self, p, x): ...  # -> x            the current as this circuit meets it
    def pace(self, p): ...  # -> share of the change that the model makes of a state which this circuit makes of it
    def hold(self, x): ...  # -> x            rounded, saturated
    def clips(self, x): ...  # -> 1 if what is to be held lies beyond the range, else 0


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
