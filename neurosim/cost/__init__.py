"""What learning costs on a chip: events, counted by a run or by a closed formula, times prices with sources."""

from neurosim.account import Account, Count
from neurosim.cost.bill import PROJECTION, Bill, Interval, energy, latency
from neurosim.cost.estimate import Estimate, epoch_of, estimate
from neurosim.cost.forecast import Workload, count, forecast
from neurosim.cost.ledger import Ledger, events
from neurosim.cost.neurobench import neurobench

__all__ = [
    "PROJECTION", "Account", "Bill", "Count", "Estimate", "Interval", "Ledger", "Workload", "count", "energy", "epoch_of", "estimate", "events",
    "forecast", "latency", "neurobench",
]  # fmt: skip
