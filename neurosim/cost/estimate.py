"""The whole estimate of one training: counts, energy, time, memory, room, endurance."""

from typing import Any, NamedTuple

from hw_models.events import Phase
from hw_models.prices import PriceList, prices_of
from neurosim.cost.bill import PROJECTION, Bill, energy, latency
from neurosim.cost.endurance import Endurance, endurance
from neurosim.cost.ledger import Ledger, Workload, count
from neurosim.cost.neurobench import learning_metrics
from neurosim.cost.placement import Placement, placement
from neurosim.memory import memory_bits
from neurosim.rules import Gradient, Learning
from neurosim.tasks.dataset import Series


class Estimate(NamedTuple):
    """What a training costs on a chip, before it is run."""

    rule: str
    chip: str
    prices: PriceList
    work: Workload  #: of one epoch
    epochs: int
    seconds: float  #: simulated time of all epochs
    ledger: Ledger  #: of all epochs
    energy: Bill
    latency: Bill
    memory: dict[str, int]
    placement: Placement
    endurance: Endurance
    learning: dict[str, Any]  #: metrics of learning, per sequence
    caveats: list[str]

    def table(self) -> dict[str, Any]:
        """The estimate as plain values, for JSON."""
        energy_table, latency_table = self.energy.table(), self.latency.table()
        return {
            "rule": self.rule, "chip": self.chip, "prices": self.prices.name, "epochs": self.epochs,
            "workload": self.work._asdict(),
            "energy_J": energy_table.pop("total"),
            "latency_s": latency_table.pop("total"), **energy_table, "latency": latency_table,
            "memory_bits": self.memory, "placement": self.placement._asdict(),
            "endurance": {
                "writes_per_epoch": self.endurance.writes_per_epoch._asdict(),
                "epochs": self.endurance.epochs._asdict() if self.endurance.epochs else None,
                "years": self.endurance.years._asdict() if self.endurance.years else None,
            },
            "learning_metrics": self.learning, "caveats": self.caveats,
        }  # fmt: skip


def epoch_of(series: Series, batch: int, moves: float = 1.0) -> Workload:
    """One epoch of learning a task's training part.

    Parameters
    ----------
    series : neurosim.tasks.dataset.Series
    batch : int, sequences
    moves : float
        As in `Workload`.
    """
    learned = series.cut(batch)
    sequences, steps = learned.counted.shape
    return Workload(steps, batch, -(-sequences // batch), float(learned.counted.sum() / sequences), moves)


def estimate(
    network, chip, learning: Learning | Gradient, work: Workload, epochs: int = 1, prices: PriceList | None = None, scale: float = 1.0
) -> Estimate:
    """What it costs to train a network on a chip.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    learning : Learning or Gradient
    work : Workload
        Of one epoch; its cores, chips and clock are set here.
    epochs : int
    prices : PriceList, optional
        The one that names the chip if not given.
    scale : float
        Factor on all prices of energy.
    """
    prices = prices_of(chip) if prices is None else prices
    place = placement(network, chip, learning, prices, work.batch, work.steps)
    work = work._replace(cores=place.cores, chips=place.chips, clock_hz=prices.clock_hz)
    epoch = count(network, chip, learning, work)
    ledger = epoch.times(epochs)
    synapses = sum(pre * post for pre, post in network.shapes())
    seconds = work.steps * work.sequences * chip.step_s
    memory = memory_bits(network, chip, learning, work.batch, work.steps)
    chain = (len(network.layers) + 1) * work.steps * work.sequences * work.batch * epochs  # each layer waits for the one below
    silent = getattr(type(chip.noise), "silent", False)  # the chip's own noise spares no pass
    noisy = (len(learning.passes) if silent else sum(learning.passes)) if isinstance(learning, Learning) else 0
    clean = len(learning.passes) - noisy if isinstance(learning, Learning) else 1
    in_turn = {Phase.CLEAN: clean * chain, Phase.PERTURBED: noisy * chain, Phase.UPDATE: 0 if isinstance(learning, Learning) else chain}
    return Estimate(
        learning.name, chip.name, prices, work, epochs, epochs * seconds, ledger,
        energy(ledger, prices, chip, scale), latency(ledger, prices, chip, place.cores, in_turn),
        memory, place, endurance(epoch, prices, synapses, seconds),
        learning_metrics(count(network, chip, learning, work._replace(sequences=1, batch=1)), memory), [PROJECTION],
    )  # fmt: skip
