"""A network that another tool wrote or trained."""

from typing import Any, NamedTuple

import numpy as np

from hw_models.chip import Chip
from neurosim.network import Network
from neurosim.simulator import Simulator


class Imported(NamedTuple):
    """A network that another tool wrote."""

    network: Network
    weights: list[np.ndarray]  #: as `Simulator.weights`
    chip: Chip  #: with the step that the network is meant for; if we wrote it, the one that was given then
    rule: Any = None  #: likewise
    seed: int = 0  #: from which the wires of a sparse network follow

    def on(self, chip: Chip | None = None, seed: int | None = None, learning=None, **options) -> Simulator:
        """The network on a chip, its weights programmed into the cells as well as they hold them.

        Parameters
        ----------
        chip : hw_models.Chip, optional
            Its step is set to that of the network.
        seed : int, optional
        learning : Learning, optional
            As in `Simulator`, like further options.
        """
        there = (chip if chip is not None else self.chip)._replace(step_s=self.chip.step_s)
        simulator = Simulator(self.network, there, self.seed if seed is None else seed, learning, **options)
        simulator.program(self.weights, fit=True)
        return simulator
