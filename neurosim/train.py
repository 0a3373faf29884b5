"""Train a network on a task with a rule on a chip, beside the baselines that give its loss a meaning."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from hw_models.chip import Chip, chip_of
from hw_models.parts import InputError, check
from hw_models.prices import PriceList
from neurosim import config, random
from neurosim.account import Account
from neurosim.admission import knows_noise
from neurosim.bptt import GradientLearner
from neurosim.cast import sequences
from neurosim.cost import Estimate, Workload, epoch_of, estimate, neurobench
from neurosim.experiment import Experiment, Settings, as_learning, check_step, check_widths, make_learner, rule_name
from neurosim.memory import memory_bits
from neurosim.network import Network
from neurosim.rules import Gradient
from neurosim.simulator import Simulator
from neurosim.tasks import PARTS, Dataset, World, baselines, ridge, share_right
from neurosim.tasks import check as check_dataset

HOPELESS = 100.0  # a training loss this many times that of predicting the mean has diverged
SATURATED = 0.01  # a share of numbers beyond a part's range that is worth a warning
DROWNED = 0.5  # a share of the chip's own noise below which a perturbation estimates little (docs/learning.md)
STEPS_SEEN = 200  # enough of a sequence to see how noisy a chip is


class Epoch(NamedTuple):
    """Losses after one epoch, in the task's unit."""

    train: float  #: while learning
    validation: float
    test: float


class Run:
    """A training run and its result.

    Attributes
    ----------
    experiment : Experiment
    epochs : list of Epoch
    baselines : dict of dict
        Losses on train, validation and test of ``persistence``, ``mean``, ``linear``, ``reservoir`` and ``readout-only``.
    learner : Simulator or GradientLearner
        The trained network, in the last good state or the best one, as the settings say.
    message : str
        Why the run stopped early, or nothing.
    """

    def __init__(self, experiment: Experiment, dataset: Dataset | World, learner):
        self.experiment, self.dataset, self.learner = experiment, dataset, learner
        self.epochs: list[Epoch] = []
        self.baselines: dict[str, dict[str, float]] = {}
        self.best: dict[str, np.ndarray] | None = None  #: state after the best epoch, if that is the one to keep
        self.last: dict[str, np.ndarray] | None = None  #: state after the last epoch, once the best was put in its place
        self.message, self.seconds, self.account = "", 0.0, Account()
        self.saturation: dict[str, dict[str, tuple[int, int]]] = {}  #: as in `Outcome`, over all that was learned
        self.test_accuracy: float | None = None  #: share of test answers whose class is right, of a task with classes
        self.neurobench: dict[str, Any] = {}  #: NeuroBench's metrics of the trained network on the test part, of a task with data

    def __repr__(self) -> str:
        e, ended = self.experiment, f"test loss {self.final.test:.4g}" if self.epochs else "no epoch"
        return f"<Run of {rule_name(e.rule)} on {e.chip.name}: {e.task.name}, {len(self.epochs)} epoch{'s' * (len(self.epochs) != 1)}, {ended}{', diverged' * self.diverged}>"

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights that compute what the trained network does, pre-major, for `train` or `Simulator.program`.

        Of a decorrelating rule they hold its matrices, each multiplied into what it stood before; ``learner.weights`` are those of the cells,
        which compute something else without them.
        """
        return folded(self.learner.weights, matrices_of(self.learner), getattr(self.experiment.rule, "decorrelate", "") == "all")

    @property
    def steps(self) -> int:
        return self.account.steps

    @property
    def diverged(self) -> bool:
        return bool(self.message)

    @property
    def kept(self) -> int:
        """The epoch, counted from 1, with whose state the run ends; 0 before any has come to its end."""
        return kept_epoch(self.epochs, self.experiment.settings.keep)

    @property
    def final(self) -> Epoch:
        """The losses of that state; infinite before any epoch has come to its end."""
        return self.epochs[self.kept - 1] if self.epochs else Epoch(*[float("inf")] * 3)

    @property
    def warnings(self) -> list[str]:
        """What the run met that its losses do not show, a sentence each."""
        found = []
        for part, shares in self.metrics["saturation"].items():
            high = [f"{share:.1%} at {place}" for place, share in shares.items() if share > SATURATED]
            if high:
                found.append(
                    f"chip.{part} saturated while learning ({', '.join(high)}): numbers beyond its range were cut off; widen the range "
                    f"(chip.{part}.limit) or make what it meets smaller."
                )
        chip, rule, differ = self.experiment.chip, self.experiment.rule, self.own_noise
        if chip.noise.sigma < DROWNED * differ:
            pairs = getattr(rule, "passes", "") == "clean-noisy" and getattr(rule, "perturb", "") != "layer"
            found.append(
                f"Currents differ by up to {differ:.2g} (standard deviation) from pass to pass on {chip.name} and are perturbed by "
                f"less than half of that (chip.noise.sigma {chip.noise.sigma:g}), so that {rule_name(rule)} sees little of what that does to the loss; try --set "
                f"chip.noise.sigma={2 * differ:.1g}" + ' and --set rule.passes="antithetic", in which even terms of it cancel.' * pairs
            )
        return found

    @property
    def own_noise(self) -> float:
        """By how much two clean passes of the trained network differ, in its hidden currents, as a standard deviation of each.

        They run over the beginning of the first test sequence, and part for good, as those of a rule with ``carry`` of 1: others part for less.
        Nothing if no hidden neuron learns by node perturbation, whose signal is what it was given (what others correlate with is itself as
        noisy), or if neurons spike, whose passes differ by spikes.
        """
        rule, data, spiking = self.experiment.rule, self.dataset, getattr(self.experiment.network.neuron, "spikes", False)
        if isinstance(rule, Gradient) or isinstance(data, World) or self.diverged or spiking or getattr(rule, "lr", 1.0) == 0:
            return 0.0
        hidden = as_learning(rule).rule
        if hidden.site != "current" or not knows_noise(hidden):
            return 0.0
        two = self.learner.run(np.repeat(data.test.inputs[:1, :STEPS_SEEN], 2, axis=0), ("h",))["h"]  # passes share the reads of cells, too
        return float(np.std(two[0] - two[1]) / 2**0.5)

    @property
    def metrics(self) -> dict[str, Any]:
        """The run as plain numbers and lists, ready for JSON except that losses may be infinite."""
        e, settings = self.experiment, self.experiment.settings
        rule = e.rule if isinstance(e.rule, Gradient) else as_learning(e.rule)
        writes = self.account.writes.values()
        asked, swallowed = sum(w.asked for w in writes), sum(w.swallowed for w in writes)
        steps = self.dataset.longest if isinstance(self.dataset, World) else self.dataset.train.inputs.shape[1]
        return {
            "task": e.task.name,
            "rule": rule_name(e.rule),
            "chip": e.chip.name,
            "seed": settings.seed,
            "hidden": list(e.network.layers),
            "epochs": len(self.epochs),
            "steps": self.steps,
            "train_loss": [epoch.train for epoch in self.epochs],
            "validation_loss": [epoch.validation for epoch in self.epochs],
            "test_loss": [epoch.test for epoch in self.epochs],
            "kept_epoch": self.kept,
            "final_test_loss": self.final.test if self.epochs else None,
            "test_loss_at_best": self.epochs[kept_epoch(self.epochs, "best") - 1].test if self.epochs else None,
            "loss_unit": self.dataset.unit,
            **({"test_accuracy": self.test_accuracy} if self.dataset.classes else {}),
            "baselines": self.baselines,
            "diverged": self.diverged,
            "message": self.message,
            "swallowed_updates": 0.0 if getattr(e.chip.cell, "keeps", False) or not asked else swallowed / asked,
            "saturation": {part: {place: n / max(of, 1) for place, (n, of) in places.items()} for part, places in self.saturation.items()},
            "wall_s": self.seconds,
            "steps_per_s": self.steps / self.seconds if self.seconds else None,
            "equality": "exact",
            "cost": self.cost,
            "neurobench": self.neurobench,
            "memory_bits": memory_bits(e.network, e.chip, rule, settings.batch, steps, settings.seed),
        }

    def estimate(self, prices: PriceList | None = None, scale: float = 1.0) -> Estimate:
        """What this training would have cost on the chip: a projection from the events it counted and published prices; see `neurosim.cost`.

        Parameters
        ----------
        prices : hw_models.prices.PriceList, optional
            The one that names the chip if not given.
        scale : float
            Factor on all prices of energy.

        Raises
        ------
        InputError
            If there is no formula for the rule's events.
        """
        return billed(self.experiment, self.dataset, self.account, len(self.epochs), prices, scale)

    @property
    def cost(self) -> dict[str, Any]:
        """`estimate` as plain values; without figures, and with the reason among the caveats, if there is none."""
        try:
            return self.estimate().table()
        except InputError as error:
            return {"energy_J": None, "latency_s": None, "caveats": [str(error)]}

    def save(self, folder) -> None:
        """Write the run folder; see `neurosim.runs`."""
        from neurosim.runs import save

        save(self, folder)

    def plot(self):
        """The learning curve beside its baselines, as a matplotlib figure."""
        from neurosim.plots import learning_curve

        return learning_curve(self)


def matrices_of(learner: Simulator | GradientLearner) -> list[np.ndarray]:
    """The matrices of a decorrelating rule, as one read shows them; of none, nothing."""
    if not isinstance(learner, Simulator) or not learner.matrices[0][0].size:
        return []
    cell, scale = learner.parts.decorrelation_cell, learner._matrix_scale()
    kept = [planes for planes in learner.matrices if planes[0].size]
    return [learner._look(cell, planes, random.MATRICES + k) * planes[0].dtype.type(scale) for k, planes in enumerate(kept)]


def folded(weights: Sequence[np.ndarray], matrices: Sequence[np.ndarray], decorrelates_all: bool) -> list[np.ndarray]:
    """Weights that compute the same without decorrelation: each matrix multiplied into what it stood before."""
    weights = list(weights)

    def fold(matrix, k):
        n = len(matrix)  # behind these rows stands that of a bias
        weights[k] = np.vstack([matrix @ weights[k][:n], weights[k][n:]])

    for layer, matrix in enumerate(matrices):
        if layer == len(weights) // 2:  # of the inputs
            fold(matrix, 0)
            break
        fold(matrix, 2 * layer + 2)
        if decorrelates_all:
            fold(matrix, 2 * layer + 1)
    return weights


def billed(
    experiment: Experiment, dataset: Dataset | World, account: Account, epochs: int, prices: PriceList | None = None, scale: float = 1.0
) -> Estimate:
    """What a training of so many epochs would have cost, which counted this; see `Run.estimate`."""
    e, settings = experiment, experiment.settings
    rule = e.rule if isinstance(e.rule, Gradient) else as_learning(e.rule)
    visited, hits = (sum(getattr(w, name) for w in account.writes.values()) for name in ("visited", "hits"))
    moves = hits / visited if visited else 1.0
    if isinstance(dataset, World):
        groups = dataset.episodes // settings.batch
        steps = account.steps // max(groups * epochs, 1)  # of a group of episodes, on average
        work = Workload(steps, settings.batch, dataset.episodes, steps, steps, moves)
    else:
        work = epoch_of(dataset.train, settings.batch, moves)
    try:
        return estimate(e.network, e.chip, rule, work._replace(seed=settings.seed), epochs, prices, scale, account)
    except InputError:
        raise
    except Exception as error:  # a rule of one's own is run on numbers that count, and may do anything; no result is lost for that
        raise InputError(f"The events of {rule.name} cannot be counted: {type(error).__name__}: {error}.") from error


def kept_epoch(epochs: Sequence[Epoch], keep: str) -> int:
    """The last of some epochs, counted from 1, or the first of those with the lowest validation loss; 0 if there is none."""
    return len(epochs) if keep == "last" or not epochs else min(range(len(epochs)), key=lambda k: epochs[k].validation) + 1


def train(
    network: Network,
    task,
    rule,
    chip: Chip | str | None = None,
    *,
    on_epoch: Callable[[Run], None] | None = None,
    weights=None,
    fit: bool | None = None,
    resume: Callable[[Run], None] | None = None,
    **settings,
) -> Run:
    """Train a network on a task.

    Parameters
    ----------
    network : Network
    task : a task of `neurosim.tasks`, or its name
    rule : Perturbation, Gradient, a rule class of your own, or a name
    chip : hw_models.Chip or its name, optional
        The ideal one if not given.
    on_epoch : callable, optional
        Called with the run after every epoch.
    weights : list of arrays, optional
        Initial weights, programmed into the cells in place of the network's own, such as ``run.weights``.
    fit : bool or None
        Whether to map them as well as the cells hold them, as `Simulator.program` does; if not said, arrays of which something would be cut.
    resume : callable, optional
        Called with the new run to put back epochs and state of an earlier one.
    **settings
        Fields of `Settings`: epochs, batch, seed, dtype, anneal, keep, baselines.

    Raises
    ------
    InputError
        If something given cannot work; nothing has been run then.
    """
    unknown = set(settings) - set(Settings._fields)
    if unknown:
        raise InputError(f"train does not take {', '.join(sorted(unknown))}; settings are {', '.join(Settings._fields)}.")
    task = config.task_from({"name": task}) if isinstance(task, str) else task
    if isinstance(task, type) or not hasattr(task, "load"):
        raise InputError(f"task must be a task such as ns.tasks.MackeyGlass(), or the name of one, got {task!r}.")
    rule = config.rule_from({"name": rule}) if isinstance(rule, str) else check(rule, what="rule")
    experiment = Experiment(task, check(network, what="network"), rule, chip_of(chip), check(Settings(**settings)))
    loaded = task.load(experiment.settings.seed)
    return run(experiment, loaded if isinstance(loaded, World) else check_dataset(loaded), on_epoch, weights, resume, fit)


def run(experiment: Experiment, dataset: Dataset | World, on_epoch=None, weights=None, resume=None, fit: bool | None = None) -> Run:
    """Train an experiment on data that are already loaded."""
    check_widths(experiment.network, dataset)
    check_step(experiment, dataset)
    batches = _Episodes(experiment, dataset) if isinstance(dataset, World) else _Batches(experiment, dataset)
    result = Run(experiment, dataset, make_learner(experiment, dataset))
    if weights is not None:
        result.learner.program(weights, fit)
    # of hidden weights, by which they can be stopped
    rate = experiment.rule.lr if not isinstance(experiment.rule, Gradient) and "lr" in experiment.rule._fields else None
    with ThreadPoolExecutor(1) as beside:
        pending = None
        if experiment.settings.baselines:
            result.baselines = batches.baselines(result.learner)
            if rate:
                pending = beside.submit(_readout_only, experiment, dataset, batches, weights, fit)
        if resume is not None:
            resume(result)
        _fit(result, batches, on_epoch)
        result.test_accuracy = batches.accuracy(result.learner)
        result.neurobench = batches.neurobench(result.learner)
        if pending is not None:
            result.baselines["readout-only"] = pending.result()
        elif experiment.settings.baselines and rate == 0:  # this run is that one
            result.baselines["readout-only"] = result.final._asdict()
    return result


class _Batches:
    """The data as the run's float type, in groups of sequences that are learned side by side."""

    def __init__(self, experiment: Experiment, dataset: Dataset):
        settings, network = experiment.settings, experiment.network
        number = np.dtype(settings.dtype).type
        series = {part: getattr(dataset, part) for part in PARTS}
        series["learning"] = dataset.train.cut(settings.batch)
        self.dataset, self.unit, self.outputs, self.size = dataset, dataset.loss_unit, network.outputs, settings.batch
        self.arrays = {
            part: (
                sequences(f"{part} inputs", s.inputs, network.inputs, number),
                sequences(f"{part} targets", s.targets, network.outputs, number),
                np.ascontiguousarray(s.counted),
            )
            for part, s in series.items()
        }

    def prepare(self, learner) -> None:
        learner.prepare(self.size)

    def learn(self, learner, learning, epoch: int):
        """What came of learning from one batch after the other."""
        yield learner.learn(*self.arrays["learning"], learning, batch=self.size)

    def mean(self, total: float, part: str = "learning") -> float:
        return float(total) / (self.arrays[part][2].sum() * self.outputs) * self.unit

    def loss(self, learner, part: str) -> float:
        outcome = learner.evaluate(*self.arrays[part])
        return self.mean(outcome.loss.sum(), part) if outcome.finite else float("inf")

    def baselines(self, learner) -> dict[str, dict[str, float]]:
        return baselines(self.dataset) | {"reservoir": _reservoir(learner, self.dataset, self)}

    def accuracy(self, learner) -> float | None:
        """Share of right answers on the test part, where targets are classes."""
        if not self.dataset.classes:
            return None
        outputs = learner.evaluate(*self.arrays["test"], record=("y",)).records["y"]
        return share_right(self.dataset.test, outputs, self.dataset.pooled)

    def neurobench(self, learner) -> dict[str, Any]:
        return neurobench(learner, self.arrays["test"][0])

    def yardstick(self, known) -> tuple[float, str]:
        """The loss that a run is hopeless at many times of, and the words for it."""
        mean = (known.get("mean") or baselines(self.dataset)["mean"])["train"]
        return mean, f", while predicting the mean gives {mean:.3g}"


class _Episodes:
    """The same for an environment, whose episodes are seeded one by one."""

    def __init__(self, experiment: Experiment, world: World):
        self.world, self.size, self.seed = world, experiment.settings.batch, experiment.settings.seed
        if world.episodes % self.size:
            raise InputError(
                f"{world.episodes} episodes an epoch cannot be run {self.size} at a time; use a train.batch that divides task.episodes."
            )

    def prepare(self, learner) -> None:
        learner.live([self.world.open() for _ in range(self.size)], self._seeds(random.TRAIN, 0, self.size), 1)

    def learn(self, learner, learning, epoch: int):
        seeds = self._seeds(random.TRAIN, epoch * self.world.episodes, self.world.episodes)
        environments = [self.world.open() for _ in range(self.size)]
        for first in range(0, len(seeds), self.size):
            yield learner.live(environments, seeds[first : first + self.size], self.world.longest, learning)

    def mean(self, total: float) -> float:
        return float(total) / self.world.episodes

    def loss(self, learner, part: str) -> float:
        return missed(learner, self.world, part)

    def baselines(self, learner) -> dict[str, dict[str, float]]:
        random_walk = {part: wandering(self.world, part) for part in PARTS}
        return {"random": random_walk, "untrained": {part: self.loss(learner, part) for part in PARTS}}

    def accuracy(self, learner) -> None:
        return None

    def neurobench(self, learner) -> dict[str, Any]:
        return {}

    def yardstick(self, known) -> tuple[float, str]:
        return float("inf"), ""

    def _seeds(self, purpose, first: int, count: int) -> list[int]:
        return _episode_seeds(self.seed, purpose, first, count)


def _episode_seeds(seed: int, purpose: int, first: int, count: int) -> list[int]:
    key = random.fold(random.root(seed, random.EPISODE), purpose)
    return [random.fold(key, first + n) >> 33 for n in range(count)]  # as wide as environments take


def missed(learner: Simulator, world: World, part: str) -> float:
    """Minus the mean return of the network as it is, over the episodes that are kept for one part; infinite if a number was not finite."""
    seeds = _episode_seeds(0, PARTS.index(part), 0, world.tests)
    outcome = learner.live([world.open() for _ in seeds], seeds, world.longest)
    return float(outcome.loss.mean()) if outcome.finite else float("inf")


def wandering(world: World, part: str) -> float:
    """Minus the mean return of random outputs over the same episodes."""
    total, rng = 0.0, random.generator(0, random.EPISODE)
    for seed in _episode_seeds(0, PARTS.index(part), 0, world.tests):
        environment, t, ended = world.open(), 0, False
        environment.reset(seed)
        while not ended and t < world.longest:
            _, reward, ended = environment.step(rng.standard_normal(world.outputs))
            total, t = total - reward, t + 1
    return total / world.tests


def _fit(result: Run, batches, on_epoch=None, hidden: float = 1.0) -> None:
    """Learn epoch after epoch, recurrent weights at so many times their rate; stop at a diverging one and put the last good state back,
    or the best one, if that is to be kept.
    """
    settings, learner = result.experiment.settings, result.learner
    mean, measure = batches.yardstick(result.baselines)
    batches.prepare(learner)
    for epoch in range(len(result.epochs), settings.epochs):
        by = max(settings.anneal, 1 - epoch / (0.75 * settings.epochs))
        rule = result.experiment.rule
        learning = rule._replace(lr=rule.lr * by) if isinstance(rule, Gradient) else as_learning(rule, hidden * by, by)
        good = learner.state()
        total, start = 0.0, time.perf_counter()
        for outcome in batches.learn(learner, learning, epoch):
            for loss in outcome.loss.reshape(-1, batches.size).sum(axis=1):  # batch by batch
                total += loss
            result.account = result.account.plus(outcome.account)
            result.saturation = _added(result.saturation, outcome.saturation)
            if not outcome.finite:
                total = float("inf")
                break
        result.seconds += time.perf_counter() - start
        loss = batches.mean(total)
        if not (loss <= HOPELESS * mean and np.isfinite(loss)):
            learner.restore(good)
            kept = f"the state after epoch {result.kept} is kept" if epoch else "the untrained state is kept"
            result.message = (
                f"The run diverged in epoch {epoch + 1}: its training loss reached {loss:.3g}{measure}; "
                f"{kept}. Smaller rates (rule.lr, rule.readout_lr) help most."
            )
            break
        result.epochs.append(Epoch(loss, batches.loss(learner, "validation"), batches.loss(learner, "test")))
        if settings.keep == "best" and result.kept == len(result.epochs):
            result.best = learner.state()
        if on_epoch is not None:
            on_epoch(result)
    if result.best is not None:
        result.last = learner.state()
        learner.restore(result.best)


def _added(so_far, more):
    """Two accounts of saturation, place by place."""
    before = lambda part, place: so_far.get(part, {}).get(place, (0, 0))  # noqa: E731
    return {
        part: {place: tuple(a + b for a, b in zip(before(part, place), counts, strict=True)) for place, counts in places.items()}
        for part, places in more.items()
    }


def _reservoir(learner, dataset: Dataset, batches: _Batches) -> dict[str, float]:
    """The untrained network with a readout fitted by ridge regression."""
    states = {part: learner.evaluate(*batches.arrays[part], record=("x",)).records["x"] for part in PARTS}
    top = learner.network.layers[-1]
    return ridge({part: x[:, :, -top:] for part, x in states.items()}, dataset)[0]


def _readout_only(experiment: Experiment, dataset: Dataset | World, batches, weights, fit) -> dict[str, float]:
    """The same run with hidden rates of zero."""
    result = Run(experiment, dataset, make_learner(experiment, dataset))
    if weights is not None:
        result.learner.program(weights, fit)
    _fit(result, batches, hidden=0.0)
    return result.final._asdict()
