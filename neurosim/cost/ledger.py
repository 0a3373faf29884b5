"""What everything that a run does is on the device: events by phase, made of the rounds of an account.

The account is a run's own, or a forecast; what one round is follows `neurosim.loop` with what a chip would do. Its conventions, where a
chip could do otherwise:

- passes and replicas go in lock step, so that a digital weight is fetched once a step for all of them; an analog cell is read in each;
- what is equal for a whole row, column or layer is computed once (`operations.Counting`);
- a spike meets its row of weights, which is fetched for it, and passes no DAC; without one, a row does nothing. Numbers are always sent;
- stored weights of sparse wiring stand in a list for each row: every message looks up where its list begins, and every weight that is
  fetched comes with the number of the neuron that it leads to, a word of state each;
- a spike that is late waits in a delay line, into which it is written;
- a write is a read, a sum and a write; how many words really change, or how many pulses are given, depends on data: a run counts it, and
  a forecast is an expectation between bounds;
- a uniform random number, as stochastic rounding takes, is 16 random bits;
- a message, and the reward, reaches every core of the network along a tree of links;
- reference gradients take forward and backward passes on the same arrays, whose transposes are read; an error of zero adds nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hw_models.converters import Exact
from hw_models.events import Event, Phase
from hw_models.noise import Bernoulli, Recorded, SumOfBytes, Telegraph
from hw_models.parts import InputError, bits
from hw_models.reward import DigitalWire
from neurosim.account import Account, Count, Rounds
from neurosim.admission import check_dense
from neurosim.cast import lower
from neurosim.cost.operations import POST, PRE, operations
from neurosim.locality import reads_of
from neurosim.loop.decorrelation import Decorrelation
from neurosim.losses import SquaredError
from neurosim.memory import indexed
from neurosim.neurons import Linear, discrete
from neurosim.protocols import Arrivals, Extra, Own
from neurosim.rules import Gradient, Learning
from neurosim.rules.perturbation import WORD
from neurosim.wiring import late

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


class Ledger(dict[tuple[Phase, Event], Count]):
    """Counts by phase and event."""

    def add(self, phase: Phase, event: Event, n: float, rounds: Rounds = 1) -> None:
        """Count n more in each of so many rounds."""
        more = Count.of(rounds).by(n)
        if more.high:
            old = self.get((phase, event), Count(0, 0, 0))
            self[phase, event] = Count(*(a + b for a, b in zip(old, more, strict=True)))

    def times(self, n: float) -> "Ledger":
        """The same so many times."""
        return Ledger({key: count.by(n) for key, count in self.items()})

    def total(self, event: Event, *phases: Phase) -> Count:
        """Over all phases, or some."""
        found = [count for (phase, name), count in self.items() if name == event and (not phases or phase in phases)]
        return Count(*(sum(column) for column in zip(*found))) if found else Count(0, 0, 0)


def events(
    network,
    chip,
    learning: Learning | Gradient | None,
    account: Account,
    links: int = 0,
    chips: int = 1,
    clock_hz: float = 0.0,
    seed: int = 0,
) -> Ledger:
    """What an account is on the device.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    learning : Learning, Gradient or None
        That the network learns by; None is one that does not learn.
    account : Account
        Of a run (`Outcome.account`), or a forecast.
    links : int
        Links of the tree over which a message reaches every core of the network.
    chips : int
        Chips that are on.
    clock_hz : float
        Frequency of their clock; 0 has none.
    seed : int
        That sparse wiring is drawn from.
    """
    ledger = _Events(network, chip, learning, account, links, seed).ledger
    ledger.add(Phase.IDLE, Event.SECOND, chip.step_s * chips, account.steps)
    ledger.add(Phase.IDLE, Event.CYCLE, chip.step_s * chips * clock_hz, account.steps)
    return ledger


class _Events:
    """The events of an account, but for being on."""

    def __init__(self, network, chip, learning, account: Account, links: int, seed: int):
        self.network, self.chip, self.links, self.ledger = network, chip, links, Ledger()
        self.account = account = account.by(1)
        self.add = self.ledger.add
        self.shapes, self.sizes = network.shapes(), network.synapses(seed)
        self.synapses, self.indexed = sum(self.sizes), indexed(network, chip)
        neuron, readout = (discrete(part, chip.step_s) for part in (network.neuron, network.readout))
        self.populations = [(n, neuron) for n in network.layers] + [(network.outputs, readout)]
        self.hidden, self.every = sum(network.layers), sum(n for n, _ in self.populations)
        self.forward(Phase.CLEAN, account.clean, {name: found[::2] for name, found in account.spikes.items()})
        self.forward(Phase.PERTURBED, account.perturbed, {name: found[1::2] for name, found in account.spikes.items()})
        first = Phase.CLEAN if account.clean.high else Phase.PERTURBED
        for k, name in enumerate(network.projections):
            if not is_device(chip.cell) and name not in account.spikes:
                self.fetch(first, k, self.sizes[k], account.steps)
        self.add(first, Event.BARRIER, 1, account.steps)
        self.inside = 2 * len(network.layers)  #: projections to hidden neurons
        if isinstance(learning, Learning):
            self.interval = learning.interval
            # a run without learning, of a network that decorrelates, takes one pass
            self.replicas = Count(*map(sum, zip(account.clean, account.perturbed))).by(bool(account.heard.high) / len(learning.passes))
            self.perturb(learning)
            for n in learning.decorrelated(network):
                self.decorrelate(n, learning)
            self.reward(learning)
            self.listen(learning)
            self.update(learning)
        elif learning is not None:
            self.descend(learning)
        shared = isinstance(learning, Learning) and learning.products and getattr(chip.cell, "slots", None) is not None
        if isinstance(learning, Learning):  # rows and columns can write one sequence at a time
            shared &= account.clean.typical + account.perturbed.typical == account.steps.typical * len(learning.passes)
        self.slots = lower(chip.cell, np.float64).slots() if shared else 0
        for place, writes in account.writes.items():
            if place in network.projections:
                k = network.projections.index(place)
                self.write(Phase.UPDATE, chip.cell, writes, k)
                if isinstance(learning, Learning) and learning.verify:
                    self.verify(writes, k)
            else:
                self.write(Phase.DECORRELATION, chip.decorrelation, writes)

    # ------------------------------------------------------------ pieces

    def product(self, phase: Phase, cell, n: float, rounds: Rounds, bits: int = WORD) -> None:
        """Weights times what they are given."""
        self.add(phase, Event.ANALOG_READ if is_device(cell) else Event.AC if bits == 1 else Event.MAC, n, rounds)

    def random(self, phase: Phase, draws: str, n: float, rounds: Rounds) -> None:
        self.add(phase, Event.RANDOM_BIT, UNIFORM_BITS * draws.count("u") * n, rounds)
        self.add(phase, Event.GAUSSIAN, draws.count("n") * n, rounds)

    def noise(self, phase: Phase, n: float, rounds: Rounds) -> None:
        """Numbers from the chip's source of perturbations."""
        noise = self.chip.noise
        if type(noise) in BITS_OF_NOISE:
            self.add(phase, Event.RANDOM_BIT, BITS_OF_NOISE[type(noise)](noise) * n, rounds)
        else:
            self.random(phase, noise.draws.get("next", ""), n, rounds)

    def access(self, phase: Phase, n: float, rounds: Rounds) -> None:
        """Words of a register read and written back."""
        self.add(phase, Event.STATE_READ, n, rounds)
        self.add(phase, Event.STATE_WRITE, n, rounds)

    def fetch(self, phase: Phase, k: int, n: float, rounds: Rounds) -> None:
        """Stored weights of a projection, and where those of sparse wiring lead."""
        self.add(phase, Event.WEIGHT_READ, n, rounds)
        self.add(phase, Event.STATE_READ, n if self.indexed and k % 2 else 0, rounds)

    def verify(self, writes, k: int) -> None:
        """Each cell that is written is looked at before and after, a product with an input of its own; both count in what waits."""
        phase, cell, chip = Phase.UPDATE, self.chip.cell, self.chip
        if is_device(cell):
            self.add(phase, Event.ANALOG_READ, 2, writes.visited)
            for converter, event in ((chip.dac, Event.DAC), (chip.adc, Event.ADC)):
                self.add(phase, event, 0 if isinstance(converter, Exact) else 2, writes.visited)
        else:
            self.fetch(phase, k, 2, writes.visited)
        self.add(phase, Event.MULTIPLY, 2 if cell.bounded else 0, writes.visited)  # the array's scale
        self.add(phase, Event.ADD, 1, writes.visited)  # one more than what is taken away without

    def write(self, phase: Phase, cell, writes, k: int = 0) -> None:
        device = is_device(cell)
        driven = not device or hasattr(cell, "longest")  # else what is drawn is the device's own physics
        if driven and "u" in cell.draws.get("write", "") and getattr(cell, "rounding", "") != "nearest":
            pre, post = self.shapes[k]
            lines = phase == Phase.UPDATE and self.slots > 0 and not (self.network.wiring.sparse and k % 2)
            each = self.slots * (pre + post) / (pre * post) if lines else 1  # lines draw a number a slot, and devices none
            self.add(phase, Event.RANDOM_BIT, UNIFORM_BITS * each, writes.visited)
        if cell.stored_bits:  # of a device that is programmed: its target, kept digitally
            self.fetch(phase, k, 1, writes.visited)
            self.add(phase, Event.ADD, 1, writes.visited)
            self.add(phase, Event.WEIGHT_WRITE, 1, writes.visited if device else writes.hits)
        if device:
            self.add(phase, Event.PULSE, 1, writes.hits)

    def done(self, phase: Phase, found: Counter, rounds: Rounds, pre: int = 1, post: int = 1, both: int = 1) -> None:
        """Operations of a method, as often as their operands differ: with a row, with a column, or with a synapse."""
        times = {NOWHERE: 1, EACH_PRE: pre, EACH_POST: post, EACH: both}
        for (event, axes), n in found.items():
            self.add(phase, event, n * times[axes], rounds)

    # ------------------------------------------------------------ passes

    def forward(self, phase: Phase, passes: Count, spikes: Mapping[str, Sequence[Count]]) -> None:
        chip, tile_rows = self.chip, getattr(self.chip.tile, "rows", 2**31)
        for k, (name, (pre, post)) in enumerate(zip(self.network.projections, self.shapes, strict=True)):
            lines = 2 if getattr(self.populations[k // 2][1], "apart", False) else 1  # of a column
            sparse, reference = self.network.wiring.sparse and k % 2, chip.reference == "column"
            columns = post * lines * (1 if sparse else -(-pre // tile_rows))
            arriving, met = spikes.get(name, (passes.by(pre), passes.by(self.sizes[k])))
            for n, rounds in ((1, met), (int(reference), arriving)):
                self.product(phase, chip.cell, n, rounds, 1 if name in spikes else getattr(chip.dac, "bits", WORD))
                if name in spikes and not is_device(chip.cell):
                    self.fetch(phase, k, n, rounds)
            if sparse:
                self.add(phase, Event.STATE_READ, 1 if self.indexed else 0, arriving)  # where the row's list begins
            if name in spikes and k % 2 and late(self.network.wiring, chip.step_s):
                self.add(phase, Event.STATE_WRITE, 1, arriving)  # into the delay line
            for converter, event, rounds in ((chip.dac, Event.DAC, passes.by(pre)), (chip.adc, Event.ADC, passes.by(columns))):
                if event == Event.DAC and name in spikes:
                    continue
                if is_device(chip.cell) and not isinstance(converter, Exact):
                    self.add(phase, event, 1, rounds)
                if getattr(converter, "rounding", "") == "stochastic":
                    self.random(phase, "u", 1, rounds)
            self.add(phase, Event.MULTIPLY, columns if chip.cell.bounded else 0, passes)  # the layer's scale
            self.add(phase, Event.ADD, columns, passes)
            self.add(phase, Event.STATE_READ, 1, arriving)
            self.add(phase, Event.SPIKE, 1, arriving)
            self.add(phase, Event.HOP, self.links, arriving)
        for n, neuron in self.populations:
            if hasattr(chip.neuron, "pace"):  # an analog circuit holds its state and answers by itself
                self.add(phase, Event.NONLINEARITY, n, passes)
                self.add(phase, Event.STATE_WRITE, n, passes)
                continue
            words = len(neuron.State._fields)
            state = neuron.State(*[EACH_POST] * words)
            constants = neuron.Params(*[EACH_POST] * len(neuron.Params._fields))
            arrives = Arrivals(EACH_POST, EACH_POST) if getattr(neuron, "apart", False) else EACH_POST
            self.done(phase, operations(neuron.step, constants, state, arrives), passes, post=n)
            self.add(phase, Event.NONLINEARITY, n if getattr(neuron, "spikes", False) else 0, passes)  # whether to spike
            self.add(phase, Event.STATE_READ, words * n, passes)
            self.add(phase, Event.STATE_WRITE, (words + 1) * n, passes)

    def perturb(self, learning: Learning) -> None:
        """What perturbed passes are given, and how they come back towards the one that they are compared with."""
        phase, rule, each = Phase.PERTURBED, learning.rule, self.share(learning, self.account.perturbed)
        outputs = self.network.outputs if learning.perturb_readout else 0
        given = [(self.synapses, each)] if rule.site == "weight" else [(self.hidden, self.begun(each)), (outputs, each)]
        for n, rounds in given if not getattr(type(self.chip.noise), "silent", False) else ():
            self.noise(phase, n / 2 if learning.antithetic else n, rounds)  # the second of a pair is given the first one's numbers
            self.add(phase, Event.ADD, n, rounds)
        if hasattr(rule, "wander"):  # a weight's perturbation is made of what it is given and of its register
            words = len(rule.Register._fields)
            self.done(phase, operations(rule.wander, rule.Register(*[EACH] * words), EACH), each, both=self.synapses)
            self.add(phase, Event.STATE_READ, words * self.synapses, each)
        held = 1 + len(self.populations[0][1].State._fields) + (learning.decorrelation_lr > 0)
        if learning.carry != 1.0 and len(learning.passes) > 1:
            self.add(phase, Event.ADD, 2 * held * self.hidden, self.account.heard)
            self.add(phase, Event.MULTIPLY, held * self.hidden, self.account.heard)
        if learning.interval > 1:  # a pass starts from another one
            self.access(phase, held * self.hidden, self.begun(self.account.heard))

    @staticmethod
    def share(learning: Learning, rounds: Count) -> Count:
        """Rounds of each layer, if every pass concerns one layer alone."""
        return rounds.by(1 / learning.samples) if learning.by_layer else rounds

    def decorrelate(self, n: int, learning: Learning) -> None:
        phase, cell, account = Phase.DECORRELATION, self.chip.decorrelation, self.account
        for passes in (account.clean, account.perturbed):
            self.product(phase, cell, n * n, passes)
            self.add(phase, Event.MULTIPLY, n if cell.bounded else 0, passes)
            self.add(phase, Event.STATE_WRITE, n, passes)
        self.product(phase, cell, n * n, self.replicas)  # y'D, then times the rate
        self.add(phase, Event.MULTIPLY, n, self.replicas)
        self.add(phase, Event.STATE_READ, 2 * n, self.replicas)
        found = operations(Decorrelation().change, EACH, Decorrelation.Register(), EACH_PRE, EACH_POST, 1e-3)
        self.done(phase, found, self.replicas, n, n, n * n)
        self.add(phase, Event.ADD, n * n, self.replicas.less(account.decorrelated))  # over the batch
        if not is_device(cell):
            self.add(phase, Event.WEIGHT_READ, n * n, account.steps)  # for D x
            self.add(phase, Event.WEIGHT_READ, n * n, account.decorrelated)  # for y'D

    # ------------------------------------------------------------ learning by perturbation

    def reward(self, learning: Learning) -> None:
        phase, wire, outputs, account = Phase.REWARD, self.chip.wire, self.network.outputs, self.account
        predicted = learning.prediction > 0
        judged = operations(SquaredError().value if predicted else SquaredError().change, *[EACH_POST] * (2 if predicted else 3))
        self.done(phase, judged, account.compared, post=outputs)
        self.add(phase, Event.ADD, 0 if predicted else outputs, account.compared)  # the difference of the passes
        self.add(phase, Event.REDUCTION, outputs, account.compared)
        self.add(phase, Event.ADD, 0 if learning.every_step else 1, account.compared)
        if predicted:  # less the running mean, which moves by a part of the difference
            self.add(phase, Event.ADD, 2, account.sent)
            self.add(phase, Event.MULTIPLY, 1, account.sent)
            self.access(phase, 1, account.sent)
        self.random(phase, "u" if isinstance(wire, DigitalWire) else "", 1, account.sent)
        self.add(phase, Event.REWARD_BIT_LINK, getattr(wire, "bits", WORD) * self.links, account.sent)
        if learning.samples > 1 and not learning.by_layer:
            self.add(phase, Event.MULTIPLY, 1, account.arrived)  # the share of each in their mean
        self.add(phase, Event.BARRIER, 1 if account.heard.high else 0, account.steps)

    def listen(self, learning: Learning) -> None:
        """What neurons do every step."""
        phase = Phase.UPDATE
        if learning.rule.site == "weight":
            return
        heard = self.share(learning, self.account.heard)
        two_given = learning.passes[0] and len(learning.passes) > 1 and not learning.antithetic
        energy = any("input_energy" in rule.needs for rule in (learning.rule, learning.readout_rule))  # which all rows then work out
        for k, (n, _) in enumerate(self.populations):
            inside, seen = k < len(self.network.layers), [pre for pre, _ in self.shapes[2 * k : 2 * k + 2]]
            rule = learning.rule if inside else learning.readout_rule
            known, words = {read.name for read in reads_of(rule)["signal"]}, len(rule.Memory._fields)
            memory = rule.Memory(*[EACH_POST] * words)
            # sigma and the size of a layer are constants of the chip
            found = operations(rule.signal, memory, Own(EACH_POST, EACH_POST, EACH_POST, 0.01, EACH_POST), Extra(NOWHERE, 1.0, NOWHERE))
            formed, steps = (self.begun(heard), self.begun(self.replicas)) if inside else (heard, self.replicas)
            self.add(phase, Event.STATE_WRITE, sum(seen), steps)  # what the weights saw is kept until they learn
            if energy:
                self.add(phase, Event.MULTIPLY, sum(seen), steps)
                self.add(phase, Event.REDUCTION, sum(seen), steps)
            if "layer_energy" in rule.needs or known & {"own", "own.delta"}:
                self.add(phase, Event.ADD, n, formed)  # the change of its activity
            if known & {"own", "own.xi"} and two_given:
                self.add(phase, Event.ADD, n, formed)  # the difference of what two passes were given
            if "layer_energy" in rule.needs:
                self.add(phase, Event.MULTIPLY, n, formed)
                self.add(phase, Event.REDUCTION, n, formed)
            self.done(phase, found, formed, post=n)
            self.access(phase, words * n, formed)
            self.add(phase, Event.STATE_WRITE, n, self.replicas)
            if learning.folds:  # signals times rewards, summed over comparisons
                self.add(phase, Event.MULTIPLY, n, heard)
                self.add(phase, Event.ADD, n, heard.minus(steps))
            if inside and learning.interval > 1:  # and over steps, by neurons that keep their signals
                self.add(phase, Event.STATE_WRITE, n, formed)
                self.add(phase, Event.STATE_READ, n, heard)
                self.add(phase, Event.STATE_READ, n, self.replicas.minus(steps))

    def begun(self, rounds: Count) -> Count:
        """Of rounds that are had every step, those in steps in which hidden neurons are perturbed."""
        if self.interval == 1:
            return rounds
        steps = max(self.account.steps.typical, 1)
        return Count(*(n * begun / steps for n, begun in zip(rounds, self.account.begun, strict=True)))

    def update(self, learning: Learning) -> None:
        """What synapses do: traces take in every step, changes are made when a reward arrives."""
        phase, rule, account = Phase.UPDATE, learning.rule, self.account
        words = len(rule.Register._fields)
        register = rule.Register(*[EACH] * words)
        pre, a = (1.0, EACH) if rule.site == "weight" else (EACH_PRE, EACH_POST)
        reward = 1.0 if learning.folds else NOWHERE
        traced, changed = (self.share(learning, rounds.by(learning.lanes)) for rounds in (account.traced, account.changed))
        both = [(traced, changed, account.learned, rule)] * self.inside + [(traced, changed, account.learned, learning.readout_rule)]
        if learning.interval > 1:
            changed = account.ended.by(self.replicas.typical / max(account.steps.typical, 1))
            both[: self.inside] = [(self.begun(self.replicas), changed, account.ended, rule)] * self.inside
        for k, (traced, changed, learned, rule) in enumerate(both):
            (pre_here, post_here), n = self.shapes[k], self.sizes[k]
            self.gather(learning, traced if words else changed, k)
            self.done(phase, operations(rule.trace, register, pre, a), traced, pre_here, post_here, n)
            self.done(phase, operations(rule.change, EACH, register, pre, a, reward), changed, pre_here, post_here, n)
            if hasattr(rule, "settle"):
                letters = rule.draws.get("settle", "")
                self.random(phase, letters, n, changed)
                self.done(phase, operations(rule.settle, EACH, EACH, (EACH,) * len(letters)), changed, both=n)
            self.access(phase, words * n, traced)
            self.add(phase, Event.ADD, n, changed.less(learned))  # over lanes and the batch
            if not learning.at_once or learning.waiting:  # changes wait for the end of the sequence, or for a threshold
                self.add(phase, Event.ADD, n, learned)
                self.add(phase, Event.ADD, n * len(learning.waiting), learned if learning.at_once else account.written)  # is it reached?
                self.access(phase, n, learned)

    def gather(self, learning: Learning, rounds: Count, k: int) -> None:
        """Synapses take in what they learn from: what their neurons keep, or their own noise, made again from the generator's key."""
        if learning.rule.site != "weight":
            self.add(Phase.UPDATE, Event.STATE_READ, sum(self.shapes[k]), rounds)
            return
        compared = 1 if learning.by_layer else learning.samples / learning.lanes  # each with its base, if that is noisy and not its mirror
        numbers = compared * (2 if learning.passes[0] and len(learning.passes) > 1 and not learning.antithetic else 1)
        self.noise(Phase.UPDATE, self.sizes[k] * numbers, rounds)
        self.add(Phase.UPDATE, Event.ADD, self.sizes[k] * (numbers - 1), rounds)
        self.add(Phase.UPDATE, Event.MULTIPLY, self.sizes[k] * (1 + (compared if learning.folds else 0)), rounds)

    # ------------------------------------------------------------ reference gradients

    def descend(self, rule: Gradient) -> None:
        """From the errors of the outputs to a change of every weight."""
        check_dense(self.network, rule)
        timed = [type(part).__name__ for part in (self.network.neuron, self.network.readout) if hasattr(part, "discrete")]
        if timed:
            raise InputError(
                f"The events of reference gradients ({rule.name}) through {timed[0]} cannot be counted: there is no formula for them; ask for a "
                "rule such as anp, or for rate neurons."
            )
        phase, account = Phase.UPDATE, self.account
        self.done(phase, operations(SquaredError().slope, EACH_POST, EACH_POST), account.compared, post=self.network.outputs)
        if rule.method in ("bptt", "tbptt"):
            self.backward(len(self.populations) - 1 if rule.learns == "readout" else 0)
        else:
            self.run_forward(rule)
        moments, learning = 2 if rule.optimizer == "adam" else 0, self.sizes[-1] if rule.learns == "readout" else self.synapses
        self.access(phase, (1 + moments) * learning, account.written)
        products, sums, roots = (6, 5, 1) if moments else (2, 0, 0)
        for event, n in ((Event.MULTIPLY, products), (Event.ADD, sums), (Event.NONLINEARITY, roots)):
            self.add(phase, event, n * learning, account.written)

    def transposed(self, n: float, rounds: Count) -> None:
        """Errors come down through weights, which are fetched once for all replicas."""
        self.product(Phase.UPDATE, self.chip.cell, n, rounds)
        fetched = rounds.by(self.account.steps.typical / self.account.clean.typical)
        self.add(Phase.UPDATE, Event.WEIGHT_READ, 0 if is_device(self.chip.cell) else n, fetched)

    def backward(self, lowest: int) -> None:
        """Backpropagation through windows of the sequence, down to a population; `neurosim.bptt` has the equations."""
        phase, account, inputs = Phase.UPDATE, self.account, [self.network.inputs, *self.network.layers]
        for k, (n, neuron) in list(enumerate(self.populations))[lowest:]:
            recurrent, below = n if k < len(self.network.layers) else 0, inputs[k]
            self.transposed(recurrent * n, account.clean.less(account.windows))  # none into the step before a window
            self.transposed(below * n if k > lowest else 0, account.clean)  # none into the input
            self.add(phase, Event.MAC, (below + recurrent) * n, account.clean)  # outer products
            if not isinstance(neuron, Linear):
                self.add(phase, Event.NONLINEARITY, n, account.clean)  # the derivative
                self.add(phase, Event.MULTIPLY, n, account.clean)
            if neuron.State._fields:  # the membrane's own path back
                self.add(phase, Event.MULTIPLY, 2 * n, account.clean)
                self.add(phase, Event.ADD, n, account.clean)
        kept = self.every if lowest == 0 else (inputs[lowest] + self.network.outputs) * bool(self.populations[-1][1].State._fields)
        self.access(phase, kept, account.clean)  # the history
        self.access(phase, self.synapses if lowest == 0 else self.sizes[-1], account.clean)  # the gradient, summed up

    def run_forward(self, rule: Gradient) -> None:
        """E-prop and RFLO: an eligibility that advances every step, and a gradient where an error comes; `neurosim.eprop` has the equations.

        Without the diagonal, an eligibility is that of its row: a filtered input, equal for all neurons that it goes to.
        """
        phase, account, top, below = Phase.UPDATE, self.account, len(self.network.layers), self.network.inputs
        filtered = bool(self.network.readout.State._fields)  # the readout's membrane filters what reaches it
        for k, (n, neuron) in enumerate(self.populations):
            rows, leaky, curved = below + (n if k < top else 0), bool(neuron.State._fields), not isinstance(neuron, Linear)
            own = k < top and rule.method == "eprop" and rule.eligibility == "diagonal"
            if own:  # what a neuron keeps of its past: its own recurrent weight times the derivative, and its leak
                self.add(phase, Event.MULTIPLY, (curved + leaky) * n, account.clean)
                self.add(phase, Event.ADD, n if leaky else 0, account.clean)
            traces = rows * n if own else rows if leaky else 0  # else it is the input itself
            self.add(phase, Event.MULTIPLY, rows if leaky else 0, account.clean)
            self.add(phase, Event.MULTIPLY, traces, account.clean)
            self.add(phase, Event.ADD, traces, account.clean)
            self.access(phase, traces, account.clean)
            self.add(phase, Event.NONLINEARITY, n if curved else 0, account.clean)  # the derivative
            if k < top and filtered:
                self.add(phase, Event.MULTIPLY, (curved + 1) * rows * n, account.clean)
                self.add(phase, Event.ADD, 2 * rows * n, account.clean)
                self.access(phase, rows * n, account.clean)
            if curved and (k == top or not filtered or (k > 0 and rule.method == "eprop")):
                self.add(phase, Event.MULTIPLY, n, account.compared)  # the error times the derivative
            self.add(phase, Event.MAC, rows * n, account.compared)  # times the eligibility, summed up
            self.access(phase, rows * n, account.compared)
            if k < top and rule.method == "rflo":  # through random weights of its own, words beside the arrays
                self.add(phase, Event.MAC, self.network.outputs * n, account.compared)
                self.add(phase, Event.STATE_READ, self.network.outputs * n, account.compared)
            elif k > 0 and rule.method == "eprop":
                self.add(phase, Event.MULTIPLY, n if leaky and k < top else 0, account.compared)  # the leak
                self.transposed(below * n, account.compared)
            below = n
