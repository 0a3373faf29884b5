"""What learning costs on a chip: events counted by a closed formula, times prices with sources."""

from neurosim.cost.bill import PROJECTION, Bill, Interval, energy, latency
from neurosim.cost.estimate import Estimate, epoch_of, estimate
from neurosim.cost.ledger import Count, Ledger, Workload, count
from neurosim.cost.neurobench import neurobench

__all__ = [
    "PROJECTION", "Bill", "Count", "Estimate", "Interval", "Ledger", "Workload", "count", "energy", "epoch_of", "estimate", "latency", "neurobench",
]  # fmt: skip
