"""How many bits of the simulated device a run occupies: counted from what its parts declare, not from the simulator's arrays."""

from hw_models.parts import bits
from neurosim.neurons import discrete
from neurosim.partials import traces
from neurosim.rules import Gradient, Learning, Perturbation
from neurosim.rules.perturbation import WORD
from neurosim.rules.synapse import Eligibility
from neurosim.wiring import late


def memory_bits(network, chip, rule: Learning | Gradient, batch: int = 1, steps: int = 1, seed: int = 0) -> dict[str, int]:
    """Bits of the device by purpose.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    rule : Learning or Gradient
    batch : int
        Replicas side by side; they share the weights and nothing else.
    steps : int
        Length of a sequence: what back-propagation through time must remember.
    seed : int
        That sparse wiring is drawn from.

    Returns
    -------
    dict
        ``weights`` (with the matrices of a decorrelating rule), ``wiring`` (where the stored weights of a sparse projection lead),
        ``state`` (one pass; of late spikes a bit a neuron and step of their delay), ``passes`` (what further passes in lock step add),
        ``learning`` (registers, sums and history), ``reward`` (the broadcast number), ``random`` (the generator's key and counter).
    """
    each = network.synapses(seed)
    synapses = sum(each)
    hidden, every = sum(network.layers), sum(network.layers) + network.outputs
    state = (_held(network.neuron, chip) + late(network.wiring, chip.step_s)) * hidden + _held(network.readout, chip) * network.outputs
    cells = synapses + sum(pre for pre, _ in network.shapes()) * (chip.reference == "column")
    lists = [_list(post, n) for (_, post), n in list(zip(network.shapes(), each, strict=True))[1::2]] if indexed(network, chip) else []
    counted = {"weights": cells * chip.cell.stored_bits, "wiring": sum(lists), "state": state * batch}
    if isinstance(rule, Gradient):
        learning = each[-1] if rule.learns == "readout" else synapses
        moments = 2 * learning * WORD if rule.optimizer == "adam" else 0
        kept = learning * WORD + moments + _kept(network, rule, steps) * WORD * batch
        return {**counted, "passes": 0, "learning": kept, "reward": 0, "random": 0}
    counted["weights"] += sum(n * n for n in rule.decorrelated(network)) * chip.decorrelation.stored_bits
    register = sum(bits(rule.rule.Register).values())
    memory = sum(bits(rule.rule.Memory).values()) * hidden + sum(bits(rule.readout_rule.Memory).values()) * network.outputs
    waiting = synapses * (sum(rule.waiting.values()) or (0 if rule.at_once else WORD))
    rows = sum(pre for pre, _ in network.shapes()[:-1])
    kept = rule.kept["signals"] * hidden + WORD * rows if rule.kept else 0
    return {
        **counted,
        "passes": state * batch * (len(rule.passes) - 1),
        # a word a neuron for its signal; of each lane, that and a register; over an interval, those of all comparisons, and what its rows saw
        "learning": (register * rule.lanes * synapses + memory + WORD * rule.lanes * every + kept) * batch + waiting,
        "reward": (getattr(chip.wire, "bits", WORD) * rule.samples + (WORD if rule.prediction > 0 else 0)) * batch,
        "random": 2 * 64,
    }


def indexed(network, chip) -> bool:
    """Whether weights are stored with the numbers of the neurons that they lead to: where a device stands says so by itself."""
    return network.wiring.sparse and chip.cell.stored_bits > 0


def _list(neurons: int, synapses: int) -> int:
    """Bits of lists, row by row: the neuron that each synapse leads to, and where each row begins, and the last one ends."""
    return synapses * max((neurons - 1).bit_length(), 1) + (neurons + 1) * synapses.bit_length()


def _held(neuron, chip) -> int:
    """Bits of one neuron in one pass: its state, in words of its circuit, and what it sends, as wide as the DAC; a spike is one bit.

    An analog circuit holds its state itself, in no memory.
    """
    circuit = getattr(chip.neuron, "bits", WORD)
    sent = 1 if getattr(neuron, "spikes", False) else min(getattr(chip.dac, "bits", WORD), circuit)
    state = bits(discrete(neuron, chip.step_s).State).values()
    return (0 if hasattr(chip.neuron, "pace") else sum(min(width, circuit) for width in state)) + sent


def _kept(network, rule: Gradient, steps: int) -> int:
    """Numbers that a reference gradient remembers of one sequence: a window of history, or eligibilities."""
    hidden = sum(network.layers)
    if rule.method in ("bptt", "tbptt"):
        if rule.learns == "readout" and not network.readout.State._fields:
            return 0  # each step's product is added to the gradient
        below = network.layers[-1] if rule.learns == "readout" else hidden
        return (steps if rule.method == "bptt" else min(rule.k, steps)) * (below + network.outputs)
    fixed = hidden * network.outputs if rule.method == "rflo" else 0  # the random weights that errors come back through
    if getattr(network.neuron, "spikes", False) or (rule.method == "eprop" and rule.eligibility == "diagonal"):
        return traces(network.neuron) * sum(pre * post for pre, post in network.shapes()[:-1]) + fixed
    return sum(pre for pre, _ in network.shapes()) + fixed


def memory_over_steps(network, chip, steps: int, seed: int = 0) -> dict[str, int]:
    """Bits that learning takes beyond weights and one pass, for sequences of so many steps, rule by rule; one sequence at a time.

    Perturbation takes O(neurons) only in lock step with a reward every step: a reward at the end needs a trace in every synapse, or a log
    that grows with the sequence. What follows is counted from equations, as a chip would hold it, with the same widths:

    - ``e-prop``: a trace a recurrent or input synapse, a feedback weight from each output to each neuron, a signal a neuron (from memory);
    - ``e-prop factorised``: three traces a neuron, as on ReckOn, and the same signals;
    - ``rtrl``: the influence of each recurrent or input weight on each neuron, and a gradient.

    References
    ----------
    Williams, Peng, Neural Comput. 2:490 (1990), doi:10.1162/neco.1990.2.4.490, and Schmidhuber, Neural Comput. 4:243 (1992),
    doi:10.1162/neco.1992.4.2.243: bptt and rtrl.
    Bellec et al., Nat. Commun. 11:3625 (2020), doi:10.1038/s41467-020-17236-y: e-prop.
    Frenkel, Indiveri 2022, arXiv:2208.09759: factorised traces.
    """
    trace = sum(bits(Eligibility).values())
    hidden, outputs = sum(network.layers), network.outputs
    inside = sum(network.synapses(seed)[:-1])
    synapses = inside + network.layers[-1] * outputs

    def beyond(rule) -> int:
        counted = memory_bits(network, chip, rule, steps=steps, seed=seed)
        return sum(counted[name] for name in ("passes", "learning", "reward", "random"))

    feedback = hidden * outputs * WORD + (hidden + outputs) * WORD
    return {
        "anp, reward every step": beyond(Perturbation("anp").learning()),
        "anp, reward at the end": beyond(Perturbation("anp", trace=1.0, reward="sequence").learning()),
        "nrl": beyond(Perturbation("nrl", norm="deviation", trace=0.8).learning()),
        "e-prop": inside * trace + feedback,
        "e-prop factorised": (network.inputs + 2 * hidden + outputs) * trace + feedback,
        "rtrl": hidden * inside * WORD + synapses * WORD,
        "bptt": beyond(Gradient("bptt", optimizer="sgd")),
    }


def crossings(network, chip, seed: int = 0) -> dict[str, int]:
    """From how many steps on back-propagation through time takes more memory than each other rule."""
    one, two = (memory_over_steps(network, chip, steps, seed) for steps in (1, 2))
    slope = two["bptt"] - one["bptt"]
    return {name: max(1, (n - one["bptt"]) // slope + 2) for name, n in one.items() if name != "bptt"}
