"""How often everything happens, from a closed formula: events of the device by phase, without running it.

The formula follows `neurosim.loop.sequence` with what a chip would do. Its conventions, where a chip could do otherwise:

- passes and replicas go in lock step, so that a digital weight is fetched once a step for all of them; an analog cell is read in each;
- what is equal for a whole row, column or layer is computed once (`operations.Counting`);
- a write is a read, a sum and a write; how many words really change, or how many pulses are given, depends on data and is an expectation
  between bounds;
- a uniform random number, as stochastic rounding takes, is 16 random bits;
- a message, and the reward, reaches every core of the network along a tree of cores - 1 links.
"""

from collections import Counter
from typing import Any, NamedTuple

from hw_models.converters import Exact
from hw_models.events import Event, Phase
from hw_models.noise import Bernoulli, Recorded, SumOfBytes, Telegraph
from hw_models.parts import InputError, bits
from hw_models.reward import DigitalWire
from neurosim.cost.operations import POST, PRE, operations
from neurosim.locality import reads_of
from neurosim.loop.decorrelation import Decorrelation
from neurosim.losses import SquaredError
from neurosim.memory import WORD
from neurosim.protocols import Extra, Own
from neurosim.rules import Gradient, Learning

UNIFORM_BITS = 16  # of a uniform random number: as wide as the random words of ReckOn, and Loihi's learning arithmetic
EACH_PRE: Any = frozenset({PRE})  # Any: they stand in the records of parts, where numbers would be
EACH_POST: Any = frozenset({POST})
EACH: Any = frozenset({PRE, POST})
NOWHERE: Any = frozenset()
#: random bits of one number of sources that do not need what their formula draws here; a junction is read once
BITS_OF_NOISE = {Bernoulli: lambda noise: 1, SumOfBytes: lambda noise: 8 * noise.k, Telegraph: lambda noise: 1, Recorded: lambda noise: 0}


def is_device(cell) -> bool:
    """Whether a memory holds its value in a device rather than in bits."""
    return 0 in bits(cell.State).values()


class Count(NamedTuple):
    """How often something happens: exactly, if all three are equal, else an expectation between bounds."""

    low: float
    typical: float
    high: float

    @property
    def exact(self) -> bool:
        return self.low == self.high


class Ledger(dict[tuple[Phase, Event], Count]):
    """Counts by phase and event. A run may fill one with `add`, and the formula below does without a run."""

    def add(self, phase: Phase, event: Event, n: float, low: float | None = None, high: float | None = None) -> None:
        """Count n more; with bounds, n is an expectation."""
        if n or high:
            old = self.get((phase, event), Count(0, 0, 0))
            self[phase, event] = Count(old.low + (n if low is None else low), old.typical + n, old.high + (n if high is None else high))

    def times(self, n: float) -> "Ledger":
        """The same so many times."""
        return Ledger({key: Count(*(n * value for value in count)) for key, count in self.items()})

    def total(self, event: Event, *phases: Phase) -> Count:
        """Over all phases, or some."""
        found = [count for (phase, name), count in self.items() if name == event and (not phases or phase in phases)]
        return Count(*(sum(column) for column in zip(*found))) if found else Count(0, 0, 0)


class Workload(NamedTuple):
    """What is run on the chip, as far as counts follow from it.

    Parameters
    ----------
    steps : int
        Length of a sequence.
    batch : int
        Sequences side by side.
    sequences : int
        How often such a batch is run.
    counted : float
        Steps of a sequence in which the loss counts, on average; all of them if negative.
    moves : float
        Writes, or pulses, that a synapse really gets per update asked of it. It depends on data: a run measures it.
    cores : int
        Cores that the network lies on.
    chips : int
        Chips that are on.
    clock_hz : float
        Frequency of their clock; 0 has none.
    """

    steps: int
    batch: int = 1
    sequences: int = 1
    counted: float = -1
    moves: float = 1.0
    cores: int = 1
    chips: int = 1
    clock_hz: float = 0.0


def count(network, chip, learning: Learning | Gradient | None, work: Workload) -> Ledger:
    """Events of a workload.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    learning : Learning, Gradient or None
        None runs the network without learning.
    work : Workload

    Returns
    -------
    Ledger
    """
    if isinstance(learning, Gradient) and learning.method not in ("bptt", "tbptt"):
        raise InputError(f"The events of {learning.name} are not counted yet; the cost of bptt and of the perturbation family is known.")
    if isinstance(learning, Learning) and (learning.samples > 1 or learning.folds or learning.prediction > 0):
        raise InputError(
            f"The events of {learning.name} are counted for one comparison a step alone, of a perturbed pass with another one: no momentum, one "
            "layer at a time, single pass or several comparisons yet."
        )
    if work.counted < 0 or work.counted > work.steps:
        work = work._replace(counted=work.steps)
    ledger = _Sequence(network, chip, learning, work).ledger.times(work.sequences)
    seconds = work.steps * work.sequences * chip.step_s * work.chips
    ledger.add(Phase.IDLE, Event.SECOND, seconds)
    ledger.add(Phase.IDLE, Event.CYCLE, seconds * work.clock_hz)
    return ledger


class _Sequence:
    """The events of one batch of sequences."""

    def __init__(self, network, chip, learning, work: Workload):
        self.network, self.chip, self.work, self.ledger = network, chip, work, Ledger()
        self.shapes = network.shapes()
        self.synapses = sum(pre * post for pre, post in self.shapes)
        self.rows = sum(pre for pre, _ in self.shapes)
        self.populations = [(n, network.neuron) for n in network.layers] + [(network.outputs, network.readout)]
        self.every = sum(n for n, _ in self.populations)
        silent = getattr(type(chip.noise), "silent", False)
        perturbed = isinstance(learning, Learning)
        self.passes = [silent or noisy for noisy in learning.passes] if perturbed else [False]
        for q, noisy in enumerate(self.passes):
            self.forward(learning if perturbed else None, q, noisy and not silent, Phase.PERTURBED if noisy else Phase.CLEAN)
        first = Phase.PERTURBED if self.passes[0] else Phase.CLEAN
        if not is_device(chip.cell):
            self.add(first, Event.WEIGHT_READ, work.steps * self.synapses)
        self.add(first, Event.BARRIER, work.steps)
        if perturbed:
            for n in learning.decorrelated(network):
                self.decorrelate(n)
            self.reward(learning)
            self.listen(learning)
            self.update(learning)
        elif learning is not None:
            self.backward(learning)

    # ------------------------------------------------------------ pieces

    def add(self, phase: Phase, event: Event, n: float, low: float | None = None, high: float | None = None) -> None:
        self.ledger.add(phase, event, n, low, high)

    def product(self, phase: Phase, cell, n: float, bits: int = WORD) -> None:
        """Weights times what they are given."""
        self.add(phase, Event.ANALOG_READ if is_device(cell) else Event.AC if bits == 1 else Event.MAC, n)

    def random(self, phase: Phase, draws: str, n: float) -> None:
        self.add(phase, Event.RANDOM_BIT, UNIFORM_BITS * draws.count("u") * n)
        self.add(phase, Event.GAUSSIAN, draws.count("n") * n)

    def noise(self, phase: Phase, n: float) -> None:
        """Numbers from the chip's source of perturbations."""
        noise = self.chip.noise
        if type(noise) in BITS_OF_NOISE:
            self.add(phase, Event.RANDOM_BIT, BITS_OF_NOISE[type(noise)](noise) * n)
        else:
            self.random(phase, noise.draws.get("next", ""), n)

    def write(self, phase: Phase, cell, n: float) -> None:
        """So many cells are asked to change."""
        moves, device = self.work.moves, is_device(cell)
        driven = not device or hasattr(cell, "longest")  # else what is drawn is the device's own physics
        if driven and "u" in cell.draws.get("write", "") and getattr(cell, "rounding", "") != "nearest":
            self.add(phase, Event.RANDOM_BIT, UNIFORM_BITS * n)
        if cell.stored_bits:  # of a device that is programmed: its target, kept digitally
            self.add(phase, Event.WEIGHT_READ, n)
            self.add(phase, Event.ADD, n)
            self.add(phase, Event.WEIGHT_WRITE, n if device else min(moves, 1.0) * n, None if device else 0.0, n)
        if device:
            most = getattr(cell, "longest", 1)
            self.add(phase, Event.PULSE, min(moves, most) * n, 0.0, most * n)

    def done(self, phase: Phase, found: Counter, times: float, pre: int = 1, post: int = 1) -> None:
        """Operations of a method, as often as their operands differ."""
        for (event, axes), n in found.items():
            self.add(phase, event, n * times * (pre if PRE in axes else 1) * (post if POST in axes else 1))

    # ------------------------------------------------------------ a pass

    def forward(self, learning: Learning | None, q: int, shaken: bool, phase: Phase) -> None:
        chip, times = self.chip, self.work.steps * self.work.batch
        at_weights = learning is not None and learning.rule.site == "weight"
        tile_rows = getattr(chip.tile, "rows", 2**31)
        for pre, post in self.shapes:
            columns = post * -(-pre // tile_rows)
            self.product(phase, chip.cell, pre * post * times, getattr(chip.dac, "bits", WORD))
            for converter, event, n in ((chip.dac, Event.DAC, pre), (chip.adc, Event.ADC, columns)):
                if is_device(chip.cell) and not isinstance(converter, Exact):
                    self.add(phase, event, n * times)
                if getattr(converter, "rounding", "") == "stochastic":
                    self.random(phase, "u", n * times)
            self.add(phase, Event.MULTIPLY, columns * times if chip.cell.bounded else 0)  # the layer's scale
            self.add(phase, Event.ADD, columns * times)
            self.add(phase, Event.STATE_READ, pre * times)
            self.add(phase, Event.SPIKE, pre * times)
            self.add(phase, Event.HOP, pre * (self.work.cores - 1) * times)
        for n, neuron in self.populations:
            words = len(neuron.State._fields)
            state = neuron.State(*[EACH_POST] * words)
            constants = neuron.Params(*[EACH_POST] * len(neuron.Params._fields))
            self.done(phase, operations(neuron.step, constants, state, EACH_POST), times, post=n)
            self.add(phase, Event.STATE_READ, words * n * times)
            self.add(phase, Event.STATE_WRITE, (words + 1) * n * times)
        if learning is None:
            return
        if shaken:
            given = self.synapses if at_weights else self.every - (0 if learning.perturb_readout else self.network.outputs)
            if not (learning.antithetic and q % 2):  # the second of a pair is given the first one's numbers
                self.noise(phase, given * times)
            self.add(phase, Event.ADD, given * times)
        if q > 0 and learning.carry != 1.0:  # perturbed passes are brought closer to the first
            held = 1 + len(self.network.neuron.State._fields) + (learning.decorrelation_lr > 0)
            self.add(phase, Event.ADD, 2 * held * sum(self.network.layers) * times)
            self.add(phase, Event.MULTIPLY, held * sum(self.network.layers) * times)

    def decorrelate(self, n: int) -> None:
        phase, cell, steps, replicas = Phase.DECORRELATION, self.chip.decorrelation, self.work.steps, self.work.batch
        together = len(self.passes) * replicas * steps
        self.product(phase, cell, n * n * together)
        self.add(phase, Event.MULTIPLY, n * together if cell.bounded else 0)
        self.add(phase, Event.STATE_WRITE, n * together)
        self.product(phase, cell, n * n * replicas * steps)  # y'D, then times the rate
        self.add(phase, Event.MULTIPLY, n * replicas * steps)
        self.add(phase, Event.STATE_READ, 2 * n * replicas * steps)
        found = operations(Decorrelation().change, EACH, Decorrelation.Register(), EACH_PRE, EACH_POST, 1e-3)
        self.done(phase, found, replicas * steps, n, n)
        self.add(phase, Event.ADD, (replicas - 1) * n * n * steps)
        if not is_device(cell):
            self.add(phase, Event.WEIGHT_READ, 2 * n * n * steps)  # for y'D, and for D x
        self.write(phase, cell, n * n * steps)

    # ------------------------------------------------------------ learning by perturbation

    def reward(self, learning: Learning) -> None:
        phase, wire, replicas, outputs = Phase.REWARD, self.chip.wire, self.work.batch, self.network.outputs
        each = self.work.counted * replicas
        self.done(phase, operations(SquaredError().change, EACH_POST, EACH_POST, EACH_POST), each, post=outputs)
        self.add(phase, Event.ADD, outputs * each)  # the difference of the passes
        self.add(phase, Event.REDUCTION, outputs * each)
        self.add(phase, Event.ADD, 0 if learning.every_step else each)
        sent = each if learning.every_step else replicas
        self.random(phase, "u" if isinstance(wire, DigitalWire) else "", sent)
        self.add(phase, Event.REWARD_BIT_LINK, getattr(wire, "bits", WORD) * (self.work.cores - 1) * sent)
        self.add(phase, Event.BARRIER, self.work.steps)

    def listen(self, learning: Learning) -> None:
        """What neurons do every step."""
        phase, times, rule = Phase.UPDATE, self.work.steps * self.work.batch, learning.rule
        self.add(phase, Event.STATE_WRITE, self.rows * times)  # what the weights saw is kept for one step
        if rule.site == "weight":
            return
        self.add(phase, Event.ADD, self.every * times if self.differs(rule) else 0)
        if "input_energy" in rule.needs:
            self.add(phase, Event.MULTIPLY, self.rows * times)
            self.add(phase, Event.REDUCTION, self.rows * times)
        if "layer_energy" in rule.needs:
            self.add(phase, Event.MULTIPLY, self.every * times)
            self.add(phase, Event.REDUCTION, self.every * times)
        words = len(rule.Memory._fields)
        memory = rule.Memory(*[EACH_POST] * words)
        # sigma and the size of a layer are constants of the chip
        found = operations(rule.signal, memory, Own(EACH_POST, EACH_POST, EACH_POST, 0.01), Extra(NOWHERE, 1.0, NOWHERE))
        for n, _ in self.populations:
            self.done(phase, found, times, post=n)
        self.add(phase, Event.STATE_READ, words * self.every * times)
        self.add(phase, Event.STATE_WRITE, (words + 1) * self.every * times)

    @staticmethod
    def differs(rule) -> bool:
        """Whether a neuron needs the change of its activity."""
        return "layer_energy" in rule.needs or any(read.name in ("own", "own.delta") for read in reads_of(rule)["signal"])

    def arrivals(self, learning: Learning) -> Count:
        """Steps of a sequence in which a reward arrives."""
        least = most = 1
        if learning.every_step:
            # what is sent in the last steps comes too late; whether these steps count is known only if all do
            least = max(self.work.counted - getattr(self.chip.wire, "delay", 0), 0)
            most = least if self.work.counted == self.work.steps else self.work.counted
        lost = getattr(self.chip.wire, "lost", 0.0) ** self.work.batch  # a step is without reward if all replicas lose it
        return Count(0 if lost else least, (1 - lost) * most, most)

    def update(self, learning: Learning) -> None:
        """What synapses do: traces take in every step, changes are made when a reward arrives."""
        phase, steps, replicas, rule = Phase.UPDATE, self.work.steps, self.work.batch, learning.rule
        words = len(rule.Register._fields)
        register = rule.Register(*[EACH] * words)
        pre, a = (1.0, EACH) if rule.site == "weight" else (EACH_PRE, EACH_POST)
        if words:
            self.gather(rule, steps)
            found = operations(rule.trace, register, pre, a)
            for n_pre, n_post in self.shapes:
                self.done(phase, found, replicas * steps, n_pre, n_post)
            for event in (Event.STATE_READ, Event.STATE_WRITE):
                self.add(phase, event, words * self.synapses * replicas * steps)
        if not learning.at_once:
            self.write(phase, self.chip.cell, self.synapses)  # once, at the end
        before, self.ledger = self.ledger, Ledger()  # from here on: each time a reward arrives
        if not words:
            self.gather(rule, 1)
        found = operations(rule.change, EACH, register, pre, a, NOWHERE)
        for n_pre, n_post in self.shapes:
            self.done(phase, found, replicas, n_pre, n_post)
        self.add(phase, Event.ADD, (replicas - 1) * self.synapses)
        if learning.at_once:
            self.write(phase, self.chip.cell, self.synapses)
        else:
            self.add(phase, Event.ADD, self.synapses)
            for event in (Event.STATE_READ, Event.STATE_WRITE):
                self.add(phase, event, self.synapses)
        once, self.ledger, arrivals = self.ledger, before, self.arrivals(learning)
        for (_, event), n in once.items():
            self.add(phase, event, n.typical * arrivals.typical, n.low * arrivals.low, n.high * arrivals.high)

    def gather(self, rule, turns: int) -> None:
        """Synapses take in what they learn from: what their neurons keep, or their own noise, made again from the generator's key."""
        times = self.work.batch * turns
        if rule.site == "weight":
            self.noise(Phase.UPDATE, self.synapses * sum(self.passes) * times)
            self.add(Phase.UPDATE, Event.MULTIPLY, self.synapses * times)
        else:
            self.add(Phase.UPDATE, Event.STATE_READ, sum(pre + post for pre, post in self.shapes) * times)

    # ------------------------------------------------------------ reference gradients

    def backward(self, rule: Gradient) -> None:
        """Backpropagation through windows of the sequence, on the same arrays; their transposes are read too."""
        phase, steps, replicas, cell = Phase.UPDATE, self.work.steps, self.work.batch, self.chip.cell
        windows = 1 if rule.method == "bptt" else -(-steps // rule.k)
        times, below = steps * replicas, self.network.inputs
        found = operations(SquaredError().slope, EACH_POST, EACH_POST)
        self.done(phase, found, self.work.counted * replicas, post=self.network.outputs)
        for k, (n, neuron) in enumerate(self.populations):
            recurrent = k < len(self.network.layers)
            back = (steps - windows) * n * n if recurrent else 0  # none into the step before a window
            down = steps * below * n if k > 0 else 0  # none into the input
            self.product(phase, cell, (back + down) * replicas)
            self.add(phase, Event.WEIGHT_READ, 0 if is_device(cell) else back + down)
            self.add(phase, Event.MAC, (below * n + (n * n if recurrent else 0)) * times)  # outer products
            self.add(phase, Event.NONLINEARITY, n * times)  # the derivative
            self.add(phase, Event.MULTIPLY, n * times)
            if neuron.State._fields:  # the membrane's own path back
                self.add(phase, Event.MULTIPLY, 2 * n * times)
                self.add(phase, Event.ADD, n * times)
            below = n
        for event in (Event.STATE_READ, Event.STATE_WRITE):
            self.add(phase, event, self.every * times)  # the history
            self.add(phase, event, self.synapses * times)  # the gradient, summed up
            self.add(phase, event, (3 if rule.optimizer == "adam" else 1) * self.synapses * windows)  # gradient and moments
        products, sums, roots = (6, 5, 1) if rule.optimizer == "adam" else (2, 0, 0)
        for event, n in ((Event.MULTIPLY, products), (Event.ADD, sums), (Event.NONLINEARITY, roots)):
            self.add(phase, event, n * self.synapses * windows)
        self.write(phase, cell, self.synapses * windows)
