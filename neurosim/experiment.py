"""What a run follows from: a task, a network, a rule, a chip and settings; and the learner that is made of them."""

from typing import Annotated, Any, Literal, NamedTuple

from hw_models.chip import Chip
from hw_models.parts import InputError, Range, check
from neurosim.admission import check_can_act
from neurosim.bptt import GradientLearner
from neurosim.losses import Given
from neurosim.network import Network
from neurosim.own_rule import learning_of
from neurosim.rules import Gradient, Learning, Perturbation
from neurosim.simulator import Simulator
from neurosim.tasks import Dataset, World, widths


class Settings(NamedTuple):
    """How long and in what arithmetic to train.

    Parameters
    ----------
    epochs : int
        Passes over the training part.
    batch : int, sequences
        Sequences side by side; one long series is cut into as many pieces.
    seed : int
        Everything random follows from it.
    dtype : "float32" or "float64"
        Arithmetic of the run.
    anneal : float
        All rates fall in equal steps over three quarters of the epochs, to this share of their value, and stay there; 1 keeps them.
    keep : "last" or "best"
        The state that a run ends with: of its last epoch, or of the epoch with the lowest validation loss, as if it had been stopped there.
        All that was learned is counted, and a run that diverges later has diverged, either way.
    baselines : bool
        Compute the baselines, the same run with only the readout learning among them.
    """

    epochs: Annotated[int, Range("", 1)] = 12
    batch: Annotated[int, Range("sequences", 1)] = 1
    seed: Annotated[int, Range("", 0, 2**63 - 1)] = 42
    dtype: Literal["float32", "float64"] = "float32"
    anneal: Annotated[float, Range("", 0.0, 1.0, open_low=True)] = 0.03
    keep: Literal["last", "best"] = "last"
    baselines: bool = True


class Experiment(NamedTuple):
    """All that a run follows from."""

    task: Any
    network: Network
    rule: Any  #: Perturbation, Gradient, or a rule class of one's own
    chip: Chip
    settings: Settings


def rule_name(rule) -> str:
    """The name by which a rule is chosen, or the name of a class of one's own."""
    return rule.name if isinstance(rule, Perturbation | Gradient) else type(rule).__name__


def as_learning(rule, hidden: float = 1.0, readout: float = 1.0) -> Learning:
    """What the simulator needs of a rule of the family, or of a rule class of one's own; its rates multiplied, those of recurrent
    weights and of the readout. A rule without ``readout_lr`` learns its readout at its ``lr``, and one without ``lr`` has no rates.
    """
    multiplied = {"lr": hidden, "readout_lr": readout, "decorrelation_lr": readout}
    scaled = check(rule)._replace(**{name: getattr(rule, name) * by for name, by in multiplied.items() if name in rule._fields})
    if isinstance(rule, Perturbation):
        return scaled.learning()
    readout_rule = _replaced(scaled, lr=getattr(rule, "readout_lr", getattr(rule, "lr", 0.0)) * readout)
    return learning_of(scaled, readout_rule)


def _replaced(rule, lr: float):
    return rule._replace(lr=lr) if "lr" in rule._fields else rule


def make_learner(experiment: Experiment, dataset: Dataset | World):
    """The network on its chip, or the reference gradient, before any learning."""
    e = experiment
    if isinstance(dataset, World):
        if isinstance(e.rule, Gradient):
            raise InputError(
                f"{e.task.name} gives rewards and no errors, which rule {e.rule.name} needs; use nrl, oua, or np with rule.passes noisy."
            )
        learning = as_learning(e.rule)
        check_can_act(learning)
        return Simulator(e.network, e.chip, e.settings.seed, learning, Given(), e.settings.dtype)
    if isinstance(e.rule, Gradient):
        return GradientLearner(e.network, e.rule, e.settings.seed, dtype=e.settings.dtype, chip=e.chip)
    return Simulator(e.network, e.chip, e.settings.seed, as_learning(e.rule), dtype=e.settings.dtype)


def check_widths(network: Network, dataset: Dataset | World) -> None:
    """Refuse a network that has other inputs and outputs than the data."""
    wanted = widths(dataset)
    if (network.inputs, network.outputs) != wanted:
        raise InputError(
            f"The network has {network.inputs} inputs and {network.outputs} outputs, but the task has {wanted[0]} and {wanted[1]}; "
            f"use Network({wanted[0]}, {network.hidden}, {wanted[1]})."
        )


def check_step(experiment: Experiment, dataset: Dataset | World) -> None:
    """Refuse steps of two lengths: where neurons have times, those of the task are times of the same steps."""
    chip, network = experiment.chip, experiment.network
    timed = any(hasattr(part, "discrete") for part in (network.neuron, network.readout))
    if timed and dataset.step_s and dataset.step_s != chip.step_s:
        raise InputError(
            f"A step of the task {experiment.task.name} takes {dataset.step_s:g} s, but one of the chip {chip.name} {chip.step_s:g} s; set "
            "task.step_s and chip.step_s to the same."
        )
