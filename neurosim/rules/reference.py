"""The gradient references as a person chooses them: not local, and open about it."""

from typing import Annotated, Literal, NamedTuple

from hw_models.parts import InputError, Range

#: What each name stands for.
GRADIENTS = {
    "bptt": "Not local: backpropagation through time, exact gradient of the whole sequence.",
    "tbptt": "Not local: backpropagation through time, exact gradient over windows of rule.k steps.",
    "eprop": "Not local: e-prop, the error sent down by transposed weights times an eligibility of every weight that runs forward.",
    "rflo": "Not local: random-feedback local online learning, the error sent to every neuron by fixed random weights.",
}


class Gradient(NamedTuple):
    """Gradients computed from the error of every output: what local rules are measured against.

    Back-propagation through time needs what no chip gives a synapse: the error of every output, the transpose of every weight matrix, and
    the history of all neurons over a window; `neurosim.bptt` computes it. E-prop and RFLO keep no history: they run forward with an
    eligibility in every synapse and ask for the errors, e-prop for the transposes too; `neurosim.eprop` computes them.

    Parameters
    ----------
    method : "bptt", "tbptt", "eprop" or "rflo"
        One exact gradient of the whole sequence and one update; one of each per window of k steps; or an approximate one that runs forward,
        with an update every k steps.
    lr : float
        Learning rate of all weights; the default suits Adam.
    k : int, steps
        Window of "tbptt", and steps between updates of "eprop" and "rflo"; "bptt" does not use it. 1 under "tbptt" is what the code released
        with doi:10.3389/fnins.2024.1439155 calls BPTT.
    optimizer : "adam" or "sgd"
        Adam with the usual constants, or w <- w - lr * gradient.
    eligibility : "diagonal" or "factorised"
        Whether the eligibility of "eprop" passes through a neuron's own recurrent weight, or is a filtered input that all weights from
        one neuron share. That of "rflo" is always factorised. (Where spikes reset a neuron, its eligibilities are its own all the same.)
    surrogate : float
        Height of what stands for the derivative of a spike, in units of one over the distance from reset to threshold; see
        `neurosim.partials`.
    learns : "all" or "readout"
        Every weight, or those of the readout alone by their exact gradient: what the others add is the difference between the two.

    References
    ----------
    Werbos, Proc. IEEE 78:1550 (1990), doi:10.1109/5.58337.
    Williams, Peng, Neural Comput. 2:490 (1990), doi:10.1162/neco.1990.2.4.490: truncation.
    Bellec et al. 2020, doi:10.1038/s41467-020-17236-y: e-prop.
    Murray 2019, doi:10.7554/eLife.43299: RFLO.
    Kingma, Ba 2015, arXiv:1412.6980: Adam.
    """

    method: Literal["bptt", "tbptt", "eprop", "rflo"] = "tbptt"
    lr: Annotated[float, Range("", 0.0)] = 1e-4
    k: Annotated[int, Range("steps", 1)] = 50
    optimizer: Literal["sgd", "adam"] = "adam"
    eligibility: Literal["diagonal", "factorised"] = "diagonal"
    surrogate: Annotated[float, Range("", 0.0)] = 0.3
    learns: Literal["all", "readout"] = "all"

    def validate(self):
        if self.learns == "readout" and self.method in ("eprop", "rflo"):
            raise InputError(
                f'rule.learns is "readout", but {self.method} is a way to reach the layers below it; use rule tbptt or bptt, or rule.learns "all".'
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """What it asks for that no synapse or neuron can know."""
        if self.learns == "readout":  # what its membrane filters of the past can be filtered forward
            return ("error",)
        if self.method == "rflo":
            return ("error",)
        return ("error", "transpose") if self.method == "eprop" or self.window == 1 else ("error", "transpose", "history")

    @property
    def window(self) -> int | None:
        """Steps through which errors go back; none means all."""
        return {"bptt": None, "tbptt": self.k}.get(self.method, 1)

    @property
    def name(self) -> str:
        """The name by which the rule is chosen, such as ``tbptt``."""
        return self.method
