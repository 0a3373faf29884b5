"""A network on a chip: its weights in cells, its clock, and the two things one can do with it, run and learn."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from hw_models.chip import chip_of
from hw_models.parts import InputError, check
from hw_models.protocols import Nothing
from neurosim import loop, random
from neurosim.admission import admit, check_can_act
from neurosim.batch import ALWAYS, Batch, Frozen, Outcome, side_by_side
from neurosim.cast import FloatArray, float_type, lower, sequences
from neurosim.jit import Placed, compiled
from neurosim.losses import SquaredError
from neurosim.neurons import discrete
from neurosim.probes import SPIKES, Probe, Spikes, probes


class Simulator:
    """A network placed on a chip.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    seed : int
        Everything random follows from it: equal seeds give equal bits.
    learning : Learning, optional
        How weights change in `learn`; `run` never changes one.
    loss : part, optional
        What `learn` minimises; squared error if not given.
    dtype : "float32" or "float64"
        The run's arithmetic.
    plain : bool
        Run the loop as plain Python: slow, the reference, and breakpoints work.

    Raises
    ------
    InputError
        If a part breaks its contract or its numbers lie outside their range, or a rule does not fit the chip's memory.
    """

    def __init__(self, network, chip=None, seed=0, learning=None, loss=None, dtype="float32", plain=False):
        self.network, self.chip, self.seed = check(network, what="network"), chip_of(chip), _seed(seed)
        self.learning, self.dtype, self.plain = learning, dtype, plain
        self._number = number = float_type(dtype)
        self._one = number(1)
        rule = learning.rule if learning else Frozen()
        readout_rule = learning.readout_rule if learning else Frozen()
        loss = loss if loss is not None else SquaredError()
        admit(self.network, self.chip, learning, rule)
        parts = loop.Parts(
            self.chip.cell, self.chip.decorrelation, self.chip.tile, self.chip.dac, self.chip.adc, self.chip.neuron, self.chip.noise,
            self.chip.wire, discrete(network.neuron, self.chip.step_s), discrete(network.readout, self.chip.step_s), rule, readout_rule, loss,
            network.wiring,
        )  # fmt: skip
        self.parts = loop.Parts(*[lower(part, number) for part in parts])
        self.clock = np.zeros(2, np.int64)
        self.scales = np.array([sigma * self.chip.headroom if self.chip.cell.bounded else 1.0 for sigma in network.sigmas()])
        self.reaches = np.array([self._reach(k, None) for k in range(len(self.scales))])
        self.wires = network.wires(self.seed)  #: of each projection; those of dense ones are not listed
        self.planes = [self._cells(k, w) for k, w in enumerate(network.weights(self.seed))]
        shapes, sizes = network.shapes(), [*network.layers, network.outputs]
        tile, dac, adc, circuit = self.parts.tile, self.parts.dac, self.parts.adc, self.parts.circuit
        neurons = [self.parts.neuron] * len(network.layers) + [self.parts.readout_neuron]
        self.references = self._references()
        self.lines = [2 if getattr(part, "apart", False) else 1 for part in neurons]  #: of a column, population by population
        wide = [n * self.lines[k // 2] for k, (_, n) in enumerate(shapes)]
        self.columns = [self._made(random.COLUMN, tile, tile.Column, n + self._reference_columns, k) for k, n in enumerate(wide)]
        self.dacs = [self._made(random.DAC, dac, _params(dac), n, k) for k, (n, _) in enumerate(shapes)]
        self.adcs = [self._made(random.ADC, adc, _params(adc), (self._tiles(k), n), k) for k, n in enumerate(wide)]
        self.neurons = [self._made(random.NEURON, part, part.Params, n, k) for k, (part, n) in enumerate(zip(neurons, sizes, strict=True))]
        self.circuits = [self._made(random.CIRCUIT, circuit, _params(circuit), n, k) for k, n in enumerate(sizes)]
        decorrelated = learning.decorrelated(network) if learning is not None else []
        decorrelated += [0] * (len(network.layers) + 1 - len(decorrelated))
        self.matrices = [self._matrix(k, n) for k, n in enumerate(decorrelated)]
        self.memories = [self._arrays((rule if k < len(network.layers) else readout_rule).Memory, (1, n)) for k, n in enumerate(sizes)]
        lasting = self.planes if learning is not None and learning.fold_reward else []  # running means, which outlive a sequence
        self.registers = [self._arrays(rule.Register, (1, *planes[0].shape)) for planes in lasting]
        saved_up = self.planes if learning is not None and learning.threshold > 0 else []
        self.waiting = [loop.zeros(planes[0].shape, number) for planes in saved_up]  #: changes that are not written yet
        self.prediction = self._arrays(loop.Prediction, 1)

    # ------------------------------------------------------------ what a person does

    def __repr__(self) -> str:
        sizes = "-".join(map(str, (self.network.inputs, *self.network.layers, self.network.outputs)))
        learns = f", learning by {self.learning.name}" if self.learning else ""
        return f"<Simulator of {sizes} {type(self.network.neuron).__name__} neurons on {self.chip.name}, {self.dtype}{learns}, step {self.clock[0]}>"

    def run(self, inputs, record: Iterable[str] | Mapping[str, Probe] = ("y",), noise=0, first=0) -> dict[str, Any]:
        """Run the network without learning and return what was recorded.

        Parameters
        ----------
        inputs : array, (step, input) or (sequence, step, input)
        record : names, or a `Probe` by name
            Out of "x" (what hidden neurons send), "h" (their currents), the fields of their state such as "v", "y" (the readout), and
            "spikes" (of hidden neurons, as events).
        noise : int
            Which drawing of the chip's read noise to use; the same number gives the same bits.
        first : int
            Number of the first sequence, so that a batch run in pieces gives the same bits.

        Returns
        -------
        dict
            By name (sequence, step, neuron) arrays, without the sequence axis if the inputs had none; `Spikes` for "spikes".
        """
        record = probes(record, self.recordable, "Simulator.run")
        inputs_given = np.ndim(inputs)
        inputs = sequences("inputs", inputs, self.network.inputs, self._number)
        targets = np.zeros((*inputs.shape[:2], self.network.outputs), self._number)
        outcome = self.evaluate(inputs, targets, np.zeros(inputs.shape[:2], bool), record, noise, first)
        plain = lambda values: values[0] if inputs_given < 3 and not isinstance(values, Spikes) else values  # noqa: E731
        return {name: plain(values) for name, values in outcome.records.items()}

    @property
    def recordable(self) -> tuple[str, ...]:
        """Names that can be recorded."""
        found = (*ALWAYS, *self.parts.neuron.State._fields)
        return (*found, SPIKES) if getattr(self.parts.neuron, "spikes", False) else found

    def evaluate(self, inputs, targets, counted, record=(), noise=0, first=0) -> Outcome:
        """Run sequences side by side without learning: loss of each, and what is recorded. The clock does not move."""
        key = random.fold(random.root(self.seed, random.EVALUATE), noise)
        return self._sequences(inputs, targets, counted, record, key, first, self.clock.copy(), None)

    def learn(self, inputs, targets, counted, learning=None, record=(), *, batch: int | None = None) -> Outcome:
        """Run sequences and learn on the way, as many side by side as a batch that shares the weights.

        Parameters
        ----------
        inputs, targets, counted : arrays of (sequence, step, ...)
        learning : Learning, optional
            May carry other rates than the simulator's own, as a schedule does; its kinds must be the same.
        record : as in `run`
        batch : int, optional
            How many sequences run side by side; all if not given. One batch after the other, up to one in which a number was not finite.

        Returns
        -------
        Outcome
            Of the sequences that were run.
        """
        if self.learning is None:
            raise InputError(
                "This simulator has no learning rule; give one, as in Simulator(network, chip, seed, learning=rule.learning())."
            )
        key = random.root(self.seed, random.TRAIN)
        return self._sequences(inputs, targets, counted, record, key, 0, self.clock, learning or self.learning, batch)

    def follow(self, inputs, targets, counted) -> Iterator[loop.Net]:
        """Learn as in `learn`, and give the network after every step, each pass of it, before it hears how the step went."""
        key = random.root(self.seed, random.TRAIN)
        batch = Batch(self, *self._checked(inputs, targets, counted), {}, key, 0, self.clock, self.learning)
        steps = batch.course.span[2]
        for t in range(steps + 1):
            batch.run(t, t + 1)
            if t < steps:
                yield batch.course.net

    def live(self, environments, seeds, longest, learning=None) -> Outcome:
        """Run an episode in each of some environments, side by side as a batch, until the last one has ended.

        Parameters
        ----------
        environments : list of neurosim.tasks.Environment
        seeds : list of int
            Of their episodes.
        longest : int, steps
            After which an episode ends.
        learning : Learning, optional
            With rates of this call. With one, the pass whose reward is sent acts in the environment and weights learn on the way; without,
            the network is tested as in `evaluate`.

        Returns
        -------
        Outcome
            Its loss is minus the return of each episode.

        Raises
        ------
        InputError
            If the rule compares passes: an environment cannot be cloned for a second one to act in.
        """
        acting = 0
        if learning is not None:
            check_can_act(learning)
            acting = learning.sends.index(True)
        test, train = random.fold(random.root(self.seed, random.EVALUATE), 0), random.root(self.seed, random.TRAIN)
        key, clock = (test, self.clock.copy()) if learning is None else (train, self.clock)
        empty = lambda width: np.zeros((len(environments), longest, width), self._number)  # noqa: E731
        counted = np.zeros((len(environments), longest), bool)
        batch = Batch(self, empty(self.network.inputs), empty(self.network.outputs), counted, {}, key, 0, clock, learning)
        course = batch.course
        course.due[:] = False
        seen = [environment.reset(seed) for environment, seed in zip(environments, seeds, strict=True)]
        every_step, living, t = learning is None or learning.every_step, list(range(len(environments))), 0
        while living and not batch.failed:
            for b in living:
                course.inputs[b, t] = seen[b]
            batch.run(t, t + 1)
            for b in list(living):
                seen[b], reward, ended = environments[b].step(course.net.readout.out[acting, b])
                course.targets[b, t, 0] = -reward
                course.counted[b, t] = True
                if ended or t == longest - 1:
                    living.remove(b)
                course.due[b, t] = every_step or b not in living
            t += 1
        course.span[2] = t
        batch.run(t, t + 1)
        return batch.outcome()

    def prepare(self, batch=1) -> None:
        """Compile what `learn` and `evaluate` need, without a step: a clock that starts afterwards measures the simulation alone."""
        shapes = (batch, 0, self.network.inputs), (batch, 0, self.network.outputs), (batch, 0)
        inputs, targets, counted = (np.zeros(shape, kind) for shape, kind in zip(shapes, (self._number, self._number, bool), strict=True))
        self.evaluate(inputs, targets, counted)
        if self.learning is not None:
            held = self.memories, self.registers, self.prediction  # a batch of another size than was learned with must not start them anew
            self.learn(inputs, targets, counted)
            self.memories, self.registers, self.prediction = held

    def perturbations(self, steps: int) -> list[FloatArray]:
        """The perturbation that `learn` will add to each neuron's current in its next sequence, without a step: for another simulator.

        Returns
        -------
        list of (step, neuron) arrays of the first replica: layer by layer, then the readout.
        """
        if self.learning is None or self.parts.rule.site != "current" or self.learning.passes != (False, True):
            raise InputError(
                'Perturbations are listed for a clean and a perturbed pass: use a rule such as np or anp with rule.passes "clean-noisy" '
                "and rule.samples 1."
            )
        key, noise, found = np.uint64(random.root(self.seed, random.TRAIN)), self.parts.noise, []
        phase = loop.first_perturbed(self.learning.interval, steps, key, int(self.clock[0]), self._one)
        for k, n in enumerate([*self.network.layers, self.network.outputs]):
            found.append(np.zeros((steps, n), self._number))
            if k < len(self.network.layers) or self.learning.perturb_readout:
                state = self._arrays(noise.State, (n,))
                self._go(loop.perturbations, (type(noise),), noise, state, found[k], k, 1, key, int(self.clock[0]), self._one)
            if k < len(self.network.layers):
                found[k][(np.arange(steps) - phase) % self.learning.interval > 0] = 0
        return found

    @property
    def weights(self) -> list[FloatArray]:
        """Weights as one read of the array shows them: per layer from below and recurrent, then the readout.

        Each is (pre, post), or of a sparse projection (wire,) in the order of `wires`.
        """
        found = [seen * self._number(scale) for seen, scale in zip(self._seen(), self.scales, strict=True)]
        return [w[0] if len(wires.start) else w for w, wires in zip(found, self.wires, strict=True)]

    def program(self, weights, fit: bool | None = False) -> None:
        """Program given weights into the chip's cells, with its programming errors and bounds. Changes that wait are dropped.

        Parameters
        ----------
        weights : list of arrays
            Shaped as `weights`.
        fit : bool or None
            Map weights that were trained elsewhere: choose the digital scale of every array of bounded cells anew, so that the cells hold
            it with the least squared error of what is cut off and what is programmed wrongly, and the reach of its ADCs, if the chip
            sets that by array, by the norm of its columns. Without, the scales stay what they are and larger weights are cut. With None
            only arrays that have such weights are mapped anew.
        """
        shapes = [wires.post.shape if len(wires.start) else shape for wires, shape in zip(self.wires, self.network.shapes(), strict=True)]
        if [np.shape(w) for w in weights] != shapes:
            raise InputError(
                f"The weights have shapes {[np.shape(w) for w in weights]}, but the network has {shapes}; "
                "give it the layers that they were made for."
            )
        weights = [np.asarray(w, np.float64) for w in weights]
        for k, w in enumerate(weights):
            if self._beyond(k, w) if fit is None else fit:
                self.scales[k] = self._fitting(k, w)
                self.reaches[k] = self._reach(k, w)
        self.planes = [self._cells(k, w) for k, w in enumerate(weights)]
        self.references = self._references()
        for array in self.waiting:  # what was asked of other weights
            array.fill(0)

    def wait(self, seconds: float) -> None:
        """Let simulated time pass without a step: cells drift and decay.

        Parameters
        ----------
        seconds : float, s
            How long, rounded to whole steps of the chip.
        """
        if not 0 <= seconds < 2**62 * self.chip.step_s:
            raise InputError(f"Simulator.wait takes a number of seconds from 0 up, got {seconds!r}.")
        then = self._number(self.clock[1] * self.chip.step_s)
        self.clock[0] += round(seconds / self.chip.step_s)
        self.clock[1] = self.clock[0]
        now, root = self._number(self.clock[0] * self.chip.step_s), random.root(self.seed, random.TRAIN)
        groups = (
            (random.AGE, 0, self.parts.cell, self.planes), (random.REFERENCE_AGE, 0, self.parts.cell, self.references),
            (random.AGE, random.MATRICES, self.parts.decorrelation_cell, self.matrices),
        )  # fmt: skip
        for purpose, first, cell, planes in groups:
            for k, plane in enumerate(planes, first):
                key = np.uint64(random.stream(root, purpose, k, int(self.clock[0])))
                self._go(loop.grow_older, (type(cell),), cell, plane, then, now, key, self._one)

    def strength(self) -> list[float]:
        """Mean absolute weight of each array as one read shows it, in units of full scale: what a drift calibration measures."""
        return [float(np.abs(seen).mean()) if seen.size else 0.0 for seen in self._seen()]

    def compensate(self, strength: list[float]) -> None:
        """Scale each array's digital output so that it is as strong as it was, by one factor an array: global drift compensation.

        Cells that do not age are as strong as they were, and what noise makes of that is not compensated.

        Parameters
        ----------
        strength : list of float
            What `strength` gave when the array was fresh.

        References
        ----------
        Joshi et al. 2020, "Accurate deep neural network inference using computational phase-change memory",
        doi:10.1038/s41467-020-16108-9.
        """
        if getattr(self.parts.cell, "ages", False):
            for k, (before, after) in enumerate(zip(strength, self.strength(), strict=True)):
                if after > 0:
                    self.scales[k] *= before / after

    # ------------------------------------------------------------ state that outlives a run

    def state(self) -> dict[str, np.ndarray]:
        """A copy of everything that a pause must keep, by name; between sequences there is nothing else."""
        return {name: array.copy() for name, array in self._live().items()}

    def restore(self, kept: dict[str, np.ndarray]) -> None:
        """Put back what `state` gave; a state of another network, chip, rule or arithmetic is refused and changes nothing."""
        batched = ("memories", "registers", "prediction")
        replicas = next((np.shape(a)[0] for name, a in kept.items() if name.startswith(batched)), 1)

        def kind(name, array):
            shape = np.shape(array)  # rules keep memories for each replica: the size of the batch may differ
            return np.asarray(array).dtype, (replicas, *shape[1:]) if name.startswith(batched) else shape

        wanted, given = ({name: kind(name, array) for name, array in arrays.items()} for arrays in (self._live(), kept))
        if wanted != given:
            raise InputError(
                "This checkpoint belongs to another network, chip, rule or dtype, or to another version of neurosim: its arrays have other names, "
                "shapes or types."
            )
        self._remember(replicas)
        for name, array in self._live().items():
            array[...] = kept[name]

    def _live(self) -> dict[str, np.ndarray]:
        groups = {"planes": self.planes, "columns": self.columns, "dacs": self.dacs, "adcs": self.adcs, "neurons": self.neurons}
        groups |= {"circuits": self.circuits, "decorrelation": self.matrices, "references": self.references}
        groups |= {"memories": self.memories, "registers": self.registers}
        if self.learning is not None and self.learning.prediction > 0:
            groups["prediction"] = [self.prediction]
        kept = {f"{group}.{k}.{field}": a for group, rs in groups.items() for k, r in enumerate(rs) for field, a in r._asdict().items()}
        kept |= {f"waiting.{k}": array for k, array in enumerate(self.waiting)}
        return {"clock": self.clock, "scales": self.scales, "reaches": self.reaches, **kept}

    # ------------------------------------------------------------ placing the network on the chip

    def _runner(self, course, kinds):
        """What runs some steps of a course, from one to before another; the course is laid out for compiled code once."""
        placed = course if self.plain else Placed(course)

        def run(start, end):
            course.span[:2] = start, end
            self._go(loop.sequence, kinds, placed)

        return run

    def _go(self, function, kinds, *args):
        with np.errstate(all="ignore"):  # a run that blows up says so itself
            (function if self.plain else compiled(function, *kinds))(*args)

    def _arrays(self, record_class, shape) -> Any:
        return record_class(*[loop.zeros(shape, self._number) for _ in record_class._fields])

    def _key(self, number):
        return np.uint64(random.fold(random.root(self.seed, random.CHIP), number))

    def _cells(self, k, weights, cell=None, scale=None):
        cell = self.parts.cell if cell is None else cell
        weights = np.atleast_2d(weights)  # of a sparse projection one row
        full_scale = np.ascontiguousarray(weights / (self.scales[k] if scale is None else scale), self._number)
        planes, now = self._arrays(cell.State, weights.shape), self._number(self.clock[0] * self.chip.step_s)
        self._go(loop.place_cells, (type(cell),), cell, planes, full_scale, self._key(k), now, self._one)
        return planes

    def _beyond(self, k, weights) -> bool:
        """Whether a weight lies beyond full scale, by more than its product with the scale was rounded."""
        return self.chip.cell.bounded and bool(np.abs(weights).max(initial=0) > self.scales[k] * (1 + 1e-6))

    def _fitting(self, k, weights):
        """The scale at which the chip's own cells hold an array best, tried from its largest weight down to three tenths of it."""
        largest = np.abs(weights).max(initial=0)
        if not (largest > 0 and self.chip.cell.bounded):
            return self.scales[k]

        def error(scale):
            seen = self._look(self.parts.cell, self._cells(k, weights, scale=scale), k)
            return np.square(seen * scale - weights).mean()

        return min(largest * np.arange(10, 2, -1) / 10, key=error)

    @property
    def _reference_columns(self) -> int:
        """Columns of an array that its weights are measured against."""
        return int(self.chip.reference == "column")

    def _references(self):
        """The reference columns: cells as all others, programmed to 0."""
        return [
            self._cells(random.REFERENCES + k, np.zeros((pre, self._reference_columns)), scale=1.0)
            for k, (pre, _) in enumerate(self.network.shapes())
        ]

    def _seen(self):
        """What one read of each array shows, in units of full scale."""
        seen = [self._look(self.parts.cell, planes, k) for k, planes in enumerate(self.planes)]
        if not self._reference_columns:
            return seen
        return [
            w - self._look(self.parts.cell, planes, random.REFERENCES + k)
            for k, (w, planes) in enumerate(zip(seen, self.references, strict=True))
        ]

    def _reach(self, k, weights):
        """Unit of what the ADCs of an array see, as `Chip.reach` says: initial weights are known by their spread, others by themselves."""
        pre, post = self.network.shapes()[k]
        rows = min(pre, getattr(self.chip.tile, "rows", pre))
        if self.chip.reach == "fixed":
            return 1.0
        if weights is None:
            return (rows**0.5 / self.chip.headroom) if self.chip.cell.bounded else self.network.sigmas()[k] * rows**0.5
        norm = float((weights**2).sum() / post * rows / pre) ** 0.5 / self.scales[k]
        return norm if norm > 0 else self.reaches[k]

    def _matrix(self, layer, n):
        return self._cells(random.MATRICES + layer, np.eye(n), self.parts.decorrelation_cell, self._matrix_scale())

    def _matrix_scale(self):
        return 2.0 if self.chip.decorrelation.bounded else 1.0  # D starts as the identity: half of full scale, room to grow

    def _made(self, purpose, part, record_class, shape, number):
        record = self._arrays(record_class, shape)
        if record_class._fields:  # else there is nothing to make
            flat = record_class(*[array.reshape(-1) for array in record])
            self._go(loop.place, (type(part),), part, flat, np.uint64(random.fold(self._key(number), purpose)), self._one)
        return record

    def _biases(self, k):
        """Rows of a projection that see a constant 1: the last one of those from below, if the network has biases."""
        return int(self.network.bias and k % 2 == 0)

    def _tiles(self, k):
        """Tiles that a projection stands on; the wires of a sparse one are not placed on rows and columns."""
        rows = getattr(self.chip.tile, "rows", 2**31)
        return 1 if len(self.wires[k].start) else -(-self.network.shapes()[k][0] // rows)

    def _look(self, cell, planes, k):
        out = np.zeros(planes[0].shape, self._number)
        key = np.uint64(random.fold(random.root(self.seed, random.LOOK), k))
        self._go(loop.look, (type(cell),), cell, planes, out, key, self._one)
        return out

    def _remember(self, replicas):
        """Rules keep memories and running means for each replica; a batch of another size starts them anew."""
        self.memories, self.registers = (
            [self._arrays(type(r), (replicas, *r[0].shape[1:])) if r._fields and r[0].shape[0] != replicas else r for r in records]
            for records in (self.memories, self.registers)
        )
        if len(self.prediction.mean) != replicas:
            self.prediction = self._arrays(loop.Prediction, replicas)

    # ------------------------------------------------------------ sequences

    def _sequences(self, inputs, targets, counted, record, key, first, clock, learning, batch=None) -> Outcome:
        record = probes(record, self.recordable, "Simulator")
        inputs, targets, counted = self._checked(inputs, targets, counted)
        together = side_by_side(len(inputs), batch)
        judged, here = bool(learning or counted.any()), slice(together)
        mine = np.copy if together < len(inputs) else np.asarray  # later batches are written there, and what is given stays as it is
        running = Batch(self, mine(inputs[here]), mine(targets[here]), mine(counted[here]), record, key, first, clock, learning, judged)
        running.run()
        for begun in range(together, len(inputs), together):
            if running.failed:
                break
            here = slice(begun, begun + together)
            running.fill(inputs[here], targets[here], counted[here])
            running.run()
        return running.outcome()

    def _checked(self, inputs, targets, counted):
        inputs = sequences("inputs", inputs, self.network.inputs, self._number, steps=0)
        targets = sequences("targets", targets, self.network.outputs, self._number, steps=0)
        counted = np.ascontiguousarray(counted, bool)
        if not inputs.shape[:2] == targets.shape[:2] == counted.shape:
            raise InputError(
                f"inputs have {inputs.shape[:2]} sequences and steps, targets {targets.shape[:2]} and counted {counted.shape}: these must be equal."
            )
        return inputs, targets, counted


def _params(part) -> type:
    return getattr(part, "Params", Nothing)


def _seed(seed) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise InputError(f"seed must be a whole number from 0 to 2**63 - 1, got {seed!r}.")
    return int(seed)
