"""What memories programmed in a closed loop share: a target that is kept digitally, and what becomes of changes too small for a write.

A write programs a device anew and costs a full programming error however small the change, so that learning by many small changes loses
either the changes, in a deadband, or the weight, in errors. Mixed precision (Nandakumar et al. 2020, doi:10.3389/fnins.2020.00406) keeps
both: a digital word a synapse adds the changes up, and the device is written when their sum is worth it. There the sum is handed to
the device in whole pulses of unknown effect; here the device is programmed to its target plus the sum, and the word starts at 0 again.
"""

from typing import Annotated, Any, Literal

from hw_models.cells.pulsed import named_tuple
from hw_models.parts import Bits, Range
from hw_models.scalars import scalar

Target = Annotated[float, Bits(16)]  # kept digitally: the programming loop compares the device with it
Waiting = Annotated[float, Bits(16)]  # sum of changes that are not written yet; counted where changes are accumulated


@scalar
def asked(cell, s, dw):
    """The weight that a change asks for, whether it is worth a write, and the sum that waits if it is not."""
    total = s.waiting + dw
    w = min(max(s.target + total, -1.0), 1.0)
    kept = min(max(total, -1.0 - s.target), 1.0 - s.target)  # not w - target, which would lose small changes
    return w, abs(total) > cell.deadband and w != s.target, kept if cell.update == 1.0 else 0.0


@named_tuple
class Programmed:
    """What is programmed in a closed loop.

    Parameters
    ----------
    deadband : float, share of full scale
        Changes of at most this size, alone or added up, are not written.
    update : "direct" or "accumulated"
        Whether a change within the deadband is swallowed, or added to a digital word of 16 bits a synapse until the sum is beyond it.
    """

    deadband: Annotated[float, Range("share of full scale", 0.0, 1.0)] = 0.05
    update: Literal["direct", "accumulated"] = "direct"

    bounded = True

    @property
    def stored_bits(self) -> int:
        """The target, and the sum if changes add up: the devices take room instead of bits."""
        return 32 if self.update == "accumulated" else 16

    def chance(self, dw):
        update: Any = self.update
        limit = self.deadband if update < 0.5 else -1.0  # one number for all synapses, and one comparison for each
        return 0.0 if abs(dw) <= limit else 1.0

    @property
    def most_pulses(self) -> int:
        """Programmings that one write takes: both devices of a pair."""
        return 2

    @property
    def keeps(self) -> bool:
        """Whether changes that are not written add up."""
        return self.update == "accumulated"
