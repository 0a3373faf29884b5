"""The gradient references as a person chooses them: not local, and open about it."""

from typing import Annotated, Literal, NamedTuple

from hw_models.parts import Range


class Gradient(NamedTuple):
    """Backpropagation through time, over the whole sequence or truncated: what local rules are measured against.

    It needs what no chip gives a synapse: the error of every output, the transpose of every weight matrix, and the history of all
    neurons over a window. `neurosim.bptt` computes it.

    Parameters
    ----------
    method : "bptt" or "tbptt"
        One exact gradient of the whole sequence and one update, or one of each per window of k steps.
    lr : float
        Learning rate of all weights; the default suits Adam.
    k : int, steps
        Window of "tbptt"; "bptt" does not use it. 1 is what the code released with doi:10.3389/fnins.2024.1439155 calls BPTT.
    optimizer : "adam" or "sgd"
        Adam with the usual constants, or w <- w - lr * gradient.

    References
    ----------
    Werbos, Proc. IEEE 78:1550 (1990), doi:10.1109/5.58337.
    Williams, Peng, Neural Comput. 2:490 (1990), doi:10.1162/neco.1990.2.4.490: truncation.
    Kingma, Ba 2015, arXiv:1412.6980: Adam.
    """

    method: Literal["bptt", "tbptt"] = "tbptt"
    lr: Annotated[float, Range("", 0.0)] = 1e-4
    k: Annotated[int, Range("steps", 1)] = 50
    optimizer: Literal["sgd", "adam"] = "adam"

    needs = ("error", "transpose", "history")  # no annotation: an attribute of the class, not an option

    @property
    def name(self) -> str:
        """The name by which the rule is chosen, ``bptt`` or ``tbptt``."""
        return self.method
