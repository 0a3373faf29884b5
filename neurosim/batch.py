"""What runs side by side: the memory that the passes of a batch need, laid out once for as many batches of a size as there are."""

import copy
from typing import Any, NamedTuple

import numpy as np

from hw_models.parts import InputError
from hw_models.protocols import Nothing
from neurosim import loop, random
from neurosim.account import Account, Carried, Writes
from neurosim.cast import FloatArray, lower
from neurosim.probes import SPIKES, Spikes, events, spikes, view
from neurosim.rules.perturbation import NOTHING_TO_VERIFY, Learning
from neurosim.wiring import late

ALWAYS = ("x", "h", "y")  # what every network has to record


class Frozen(NamedTuple):
    """The rule of a network that does not learn."""

    site = "current"
    needs = ()
    listens = False  # activities that no one compares are not kept
    Register = Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return a


STILL = Learning("still", Frozen(), Frozen(), (False,))


class Outcome(NamedTuple):
    """What one run over a batch of sequences gave."""

    loss: FloatArray  #: (sequence,) summed over counted steps and outputs
    records: dict[str, Any]  #: (sequence, step, neuron) each, and `Spikes`
    finite: bool
    account: Account  #: how often what was done
    #: numbers beyond the range of a part of the chip, and of how many, by part and place
    saturation: dict[str, dict[str, tuple[int, int]]] = {}

    @property
    def steps(self) -> int:
        return self.account.steps

    @property
    def asked(self) -> int:
        """Changes other than zero asked of cells that can swallow them."""
        return sum(writes.asked for writes in self.account.writes.values())

    @property
    def swallowed(self) -> int:
        """Of these, how many changed nothing."""
        return sum(writes.swallowed for writes in self.account.writes.values())


class Batch:
    """Sequences of one length that run side by side on a simulator, and what they did; with `fill`, batch after batch in the same memory.

    Parameters
    ----------
    simulator : Simulator
    inputs, targets, counted : arrays of (sequence, step, ...)
        Of the run's float type; `fill` writes into them.
    record : dict of Probe
    key : int
        The root of all random numbers.
    first : int
        Number of the first sequence.
    clock : (2,) int64
    learning : Learning or None
    judged : bool
        Whether the loss of any step may count.
    """

    def __init__(self, simulator, inputs, targets, counted, record, key, first, clock, learning, judged=True):
        replicas, steps, _ = inputs.shape
        network, chip, number = simulator.network, simulator.chip, simulator._number
        self._simulator, self._learning, self._record = simulator, learning, record
        self._fresh: list[np.ndarray] = []  # what is 0 when a sequence begins
        zeros, arrays = self._zeros, self._arrays
        how = learning or STILL._replace(raw_recurrence=simulator.learning.raw_recurrence if simulator.learning else True)
        silent = learning and getattr(type(chip.noise), "silent", False)  # the chip's own noise spares no pass
        noisy = tuple(bool(silent or perturbed) for perturbed in how.passes)
        passes, layers, sizes = len(noisy), network.layers, [*network.layers, network.outputs]
        spread = 2.0 if how.antithetic else 2.0**0.5 if noisy[0] and passes > 1 else 1.0  # of what is compared, in sigmas
        heard = loop.zeros((passes, replicas), number)
        lanes = replicas * how.lanes
        parts = simulator.parts
        if learning:
            if (learning.threshold > 0) != bool(simulator.waiting):
                raise InputError(
                    f"The learning has a threshold of {learning.threshold:g}, but the simulator was made for one of {simulator.learning.threshold:g}: "
                    "both must be above 0, or neither."
                )
            if learning.verify and learning.threshold == 0:
                raise InputError(f"Of the learning, {NOTHING_TO_VERIFY}")
            simulator._remember(replicas)
            parts = parts._replace(rule=lower(learning.rule, number), readout_rule=lower(learning.readout_rule, number))
        memories = simulator.memories
        if not learning:
            memories = [arrays(type(m), (replicas, n)) for m, n in zip(memories, sizes, strict=True)]
        lasting = simulator.registers if learning else []

        def fired(n):
            return loop.Fired(zeros((passes, replicas, n), np.int32), zeros((passes, replicas), np.int64))

        spiking = network.spiking(simulator.matrices[0][0].size > 0, how.raw_recurrence)
        biases = [simulator._biases(k) for k in range(len(simulator.planes))]

        def flight(k, n):
            slots, n = (late(network.wiring, chip.step_s) * (k % 2) + 1, n - biases[k]) if spiking[k] else (1, 0)
            which, sent = zeros((slots, passes, replicas, n), np.int32), zeros((slots, passes, replicas, n))
            return loop.Flight(which, sent, zeros((slots, passes, replicas), np.int64), zeros(1, np.int64))

        def group(k, neuron):
            n, wide = sizes[k], sizes[k] * simulator.lines[k]
            return loop.Group(
                simulator.neurons[k], simulator.circuits[k], arrays(neuron.State, (passes, replicas, n)),
                arrays(parts.noise.State, (passes, replicas, n)), memories[k], zeros((passes, replicas, wide)), zeros((passes, replicas, wide)),
                zeros((passes, replicas, n)), fired(n if getattr(neuron, "spikes", False) else 0), zeros((passes, replicas, n)), heard,
                zeros((passes, replicas, n)), zeros((lanes, n)), zeros(replicas), k, _count(parts.circuit),
            )  # fmt: skip

        def waiting(k, shape):
            if learning and simulator.waiting:
                return simulator.waiting[k]
            return zeros((0, 0) if how.at_once else shape)

        hidden = tuple(group(k, parts.neuron) for k in range(len(layers)))
        readout = group(len(layers), parts.readout_neuron)
        rows, shapes = getattr(chip.tile, "rows", 2**31), [planes[0].shape for planes in simulator.planes]
        projections = tuple(
            loop.Projection(
                simulator.wires[k], flight(k, pre), simulator.planes[k], lasting[k] if lasting else arrays(parts.rule.Register, (lanes, *shape)),
                simulator.references[k], simulator.columns[k], simulator.dacs[k], simulator.adcs[k],
                arrays(parts.tile.Sums, (simulator._tiles(k), passes, replicas, post * simulator.lines[k // 2])), zeros((passes, replicas, pre)),
                zeros((replicas, pre)), zeros((passes, replicas, *(shape if parts.rule.site == "weight" else (0, 0)))),
                waiting(k, shape), number(simulator.scales[k]), number(simulator.reaches[k]), k,
                simulator.lines[k // 2], spiking[k], pre if len(simulator.wires[k].start) or rows == 2**31 else rows, _count(parts.dac),
                _count(parts.adc), np.zeros(3, np.int64), np.zeros(4, np.int64),
            )
            for k, ((pre, post), shape) in enumerate(zip(network.shapes(), shapes, strict=True))
        )  # fmt: skip
        self._ones = [p.z[:, :, p.z.shape[2] - n :] for p, n in zip(projections, biases, strict=True) if n]
        (self._fresh if how.folds else self._ones).append(heard)
        source = zeros((passes, replicas, network.inputs))
        populations = [*((group.out, n) for group, n in zip(hidden, layers, strict=True)), (source, network.inputs)]
        decorrelators = tuple(
            loop.Decorrelator(
                matrix, zeros((passes, replicas, n)) if matrix[0].size else x, zeros((replicas, n)), zeros((replicas, n)),
                number(simulator._matrix_scale()), number(how.decorrelation_lr), random.MATRICES + k, np.zeros(3, np.int64),
            )
            for k, (matrix, (x, n)) in enumerate(zip(simulator.matrices, populations, strict=True))
        )  # fmt: skip
        plan = loop.Plan(
            learning is not None, judged, np.array(noisy), np.array(how.base), np.array(how.sends), how.antithetic, how.by_layer, how.folds,
            number(1.0 if how.by_layer else 1.0 / max(how.samples, 1)), np.array(how.lane), how.lanes, number(how.prediction), how.at_once,
            number(how.threshold), how.verify, bool(lasting), how.perturb_readout, how.raw_recurrence, any("input_energy" in one.needs for one in (how.rule, how.readout_rule)),
            number(chip.noise.sigma * spread), number(how.carry), how.interval, number(chip.step_s),
        )  # fmt: skip
        longest = max(*sizes, *(matrix[0].shape[0] for matrix in simulator.matrices))
        lines = max(longest, *(pre for pre, _ in network.shapes()))
        widest = (
            longest if how.at_once else max(longest, *(planes[0].shape[1] for planes in simulator.planes))
        )  # of a sparse projection, all wires
        line = loop.zeros((1, max(loop.MANY * longest, widest)), number)
        asks = line[0, : loop.MANY * longest].reshape(loop.MANY, longest)
        several = [loop.zeros((loop.MANY, longest), number) for _ in range(3)]
        scratch = loop.Scratch(
            asks, line, several[0], several[1], several[2], _moving(parts.cell, widest, lines, number), _moving(parts.decorrelation_cell, longest, lines, number), source,
            zeros((passes, replicas)), heard, zeros(lanes), zeros(lanes), zeros(lanes), zeros(2, np.int64), zeros(1, np.int64),
        )  # fmt: skip
        fields, widths = parts.neuron.State._fields, {"y": network.outputs}
        views = {name: view(name, record, widths.get(name, sum(layers)), replicas, steps, number) for name in (*fields, *ALWAYS)}
        nowhere, noted = view("", {}, 0, replicas, steps, number), events(record, sum(layers))
        of_state = tuple(nowhere if name in ALWAYS else views[name] for name in fields)  # a field called x would hide what is sent
        kept = loop.Record(
            views["x"], views["h"], views["y"], of_state, noted, zeros(replicas, np.float64), np.zeros(loop.COUNTS, np.int64)
        )
        self._fresh += [noted.n, *(views[name].kept for name in record if name != SPIKES)]
        self._views = views
        wires = arrays(parts.wire.State, (passes, replicas))
        kinds = (*map(type, parts), parts.rule.Register, parts.rule.Memory, parts.readout_rule.Memory)
        net = loop.Net(hidden, readout, projections, decorrelators, wires, simulator.prediction)
        self.course = loop.Course(
            parts, plan, net, inputs, targets, counted, np.zeros(counted.shape, bool), np.array([0, steps + 1, steps]), first, np.uint64(key), clock,
            scratch, kept, number(1),
        )  # fmt: skip
        self._go, self._gave, self._every_step = simulator._runner(self.course, kinds), [], how.every_step
        self._begin()

    def run(self, start: int = 0, end: int | None = None) -> None:
        """Run from one step to before another; all of them if not said, and with a last turn in which what came late is heard."""
        self._go(start, self.course.span[2] + 1 if end is None else end)

    def fill(self, inputs, targets, counted) -> None:
        """Begin the next batch, as many sequences as before."""
        self._gave.append((self.course.record.loss.copy(), copy.deepcopy(self._recorded())))
        for mine, given in zip((self.course.inputs, self.course.targets, self.course.counted), (inputs, targets, counted), strict=True):
            mine[...] = given
        for array in self._fresh:
            array.fill(0)
        self._begin()

    @property
    def failed(self) -> bool:
        """Whether a number was not finite; then steps were left out."""
        return bool(self.course.record.counts[loop.FAILED])

    def outcome(self) -> Outcome:
        """What all batches gave."""
        losses, records = zip(*self._gave, (self.course.record.loss, self._recorded()), strict=True)
        net, account, (passes, replicas) = self.course.net, self._account(), self.course.scratch.value.shape
        saturation = self._saturation((*net.hidden, net.readout), net.projections, account.steps * passes * replicas)
        together = {name: _joined([record[name] for record in records], replicas) for name in self._record}
        return Outcome(np.concatenate(losses), together, not self.failed, account, saturation)

    def _zeros(self, shape, dtype=None) -> np.ndarray:
        """Room for numbers that are 0 when a sequence begins."""
        made = loop.zeros(shape, dtype or self._simulator._number)
        if made.size:
            self._fresh.append(made)
        return made

    def _arrays(self, record_class, shape) -> Any:
        return record_class(*[self._zeros(shape) for _ in record_class._fields])

    def _begin(self) -> None:
        for array in self._ones:
            array.fill(1)
        self.course.due[...] = self.course.counted if self._every_step else False
        if not self._every_step:
            self.course.due[:, -1:] = True

    def _recorded(self) -> dict[str, Any]:
        return {name: spikes(self.course.record.spikes) if name == SPIKES else self._views[name].kept for name in self._record}

    def _account(self) -> Account:
        """What the loop counted, each replica by itself where it does something by itself."""
        course, learning, network, chip = self.course, self._learning, self._simulator.network, self._simulator.chip
        steps, compared, sent, arrived, heard, traced, learned, begun, ended, _ = (int(n) for n in course.record.counts)
        noisy, replicas = list(course.plan.noisy), course.scratch.value.shape[1]
        written = (learned if learning.at_once else 1 + len(self._gave)) if learning else 0
        seldom = ended if learning and learning.at_once else written  # of hidden neurons' synapses
        matrices = steps if learning and learning.decorrelation_lr > 0 else 0
        counted = {
            name: (seldom if k < 2 * len(network.layers) else written, p, type(chip.cell))
            for k, (name, p) in enumerate(zip(network.projections, course.net.projections, strict=True))
        }
        if matrices:
            names = [f"matrix of {name}" for name in (*network.populations[: len(network.layers)], "input")]
            found = zip(names, course.net.decorrelators, strict=True)
            counted |= {name: (matrices, d, type(chip.decorrelation)) for name, d in found if d.planes[0].size}
        waiting = network.projections if learning and learning.threshold > 0 else ()  # only cells that have a change to make are asked
        writes = {name: _writes(times, array, cell, name in waiting) for name, (times, array, cell) in counted.items()} if learning else {}
        sending = zip(network.projections, course.net.projections, strict=True)
        carried = {name: Carried(*(int(n) for n in p.spikes)) for name, p in sending if p.events}
        return Account(
            steps, steps * replicas * noisy.count(False), steps * replicas * noisy.count(True), compared, sent, arrived,
            heard * replicas * (learning.samples if learning else 0), begun, ended, matrices, traced * replicas, learned * replicas, learned, written, 0, writes, carried,
        )  # fmt: skip

    def _saturation(self, groups, projections, times):
        """Numbers beyond the range of a circuit or a converter, of how many, by part and place; a part that has no range is left out."""
        network, parts = self._simulator.network, self._simulator.parts
        names, arrows = network.populations, network.projections
        kinds = [parts.neuron] * len(network.layers) + [parts.readout_neuron]
        held = [(g.saturated, _held(kind, g.current.shape[2], g.out.shape[2])) for kind, g in zip(kinds, groups, strict=True)]
        sent = [
            (p.clipped, 0 if p.events else p.z.shape[2] - self._simulator._biases(k)) for k, p in enumerate(projections)
        ]  # spikes pass no DAC
        summed = [(p.clipped_sums, p.sums[0].shape[0] * p.sums[0].shape[3]) for p in projections]
        found = {
            "neuron": (parts.circuit, names, held),
            "dac": (parts.dac, arrows, sent),
            "adc": (parts.adc, arrows, summed),
        }
        return {
            part: {place: (int(count.n[0]), times * width) for place, (count, width) in zip(places, counts, strict=True) if width}
            for part, (kind, places, counts) in found.items()
            if hasattr(kind, "clips")
        }


def _writes(times, array, cell, waiting=False) -> Writes:
    """Writes to the cells of a projection or a matrix, all of which were asked so many times, or only those whose change had waited."""
    asked, swallowed, pulses = (int(n) for n in array.writes)
    visited = asked if waiting else times * array.planes[0].size
    if not getattr(cell, "swallows", True):
        return Writes(visited, hits=visited)
    return Writes(visited, asked, swallowed, max(asked - swallowed, pulses))  # pulses are not counted where a write is one


def _held(neuron, currents, n) -> int:
    """Numbers that the circuits of n neurons hold: currents, state and output; spikes and what counts steps are none."""
    return currents + n * (loop.held_fields(type(neuron)) + (not getattr(neuron, "spikes", False)))


def side_by_side(count: int, batch: int | None) -> int:
    """How many of so many sequences run side by side, if a batch is given: it must divide them."""
    if batch is None:
        return count
    if isinstance(batch, bool) or not isinstance(batch, int | np.integer) or batch < 1 or count % batch:
        raise InputError(f"{count} sequences cannot be taken {batch} at a time; use a batch that is a whole number and divides {count}.")
    return int(batch)


def joined(outcomes: list[Outcome]) -> Outcome:
    """Outcomes of one batch after the other as one, without what was recorded."""
    account = outcomes[0].account
    for outcome in outcomes[1:]:
        account = account.plus(outcome.account)
    return Outcome(np.concatenate([outcome.loss for outcome in outcomes]), {}, outcomes[-1].finite, account)


def _joined(pieces, replicas):
    """What was recorded of one batch after the other."""
    if isinstance(pieces[0], Spikes):
        numbered = [piece._replace(sequence=piece.sequence + k * replicas) for k, piece in enumerate(pieces)]
        together = [np.concatenate(parts) for parts in zip(*numbered, strict=True)]
        order = np.argsort(together[1], kind="stable")  # of time
        return Spikes(*[part[order] for part in together])
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _count(part):
    return loop.Count(np.zeros(1, np.int64)) if hasattr(part, "clips") else Nothing()


def _moving(cell, longest, most, number):
    """Work space of a cell's writes to rows of up to so many columns, and trains for up to so many lines."""
    n, wide, words = longest + loop.ENOUGH + loop.VECTOR, longest + loop.VECTOR, loop.zeros
    flags = words(-(-longest // loop.VECTOR) * loop.VECTOR, np.int8)
    lines = most if getattr(cell, "slots", None) else 0
    trains = loop.Trains(np.zeros(1, np.int64), np.zeros(lines, np.int32), np.zeros(lines, np.int32), words(lines, number))
    return loop.Moving(
        flags, flags.view(np.uint64), words(longest, number), words(wide, np.int32), words(wide, np.int32), words(n, np.int32), words(n, np.int32),
        words(n, np.uint32), words(n, np.uint32), words(n, number), cell.State(*[words(n, number) for _ in cell.State._fields]), words(n, number), trains,
    )  # fmt: skip
