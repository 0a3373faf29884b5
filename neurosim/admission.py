"""Whether a network, a chip and a rule can run together; what cannot is refused in one sentence before anything is computed."""

import numpy as np

from hw_models.chip import Chip
from hw_models.contracts import check_methods, where
from hw_models.parts import InputError, bits, check
from hw_models.protocols import Cell, Circuit, Converter, Noise, Nothing, Tile, Wire
from neurosim.locality import check_declared, reads_of
from neurosim.neurons import discrete
from neurosim.protocols import Neuron, Rule, is_product
from neurosim.rules.perturbation import NOTHING_TO_VERIFY, Learning


def admit(network, chip: Chip, learning: Learning | None, rule) -> None:
    """Refuse what cannot run together: parts that break a contract, passes that no loop knows, noise that a rule cannot learn from, too little memory.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    learning : Learning, optional
        Nothing, if the network does not learn.
    rule : part
        That of the learning, or of a network that does not learn.

    Raises
    ------
    InputError
        In one sentence: what does not fit, and what would.
    """
    for part, protocol in (
        (chip.cell, Cell), (chip.decorrelation, Cell), (chip.tile, Tile), (chip.dac, Converter), (chip.adc, Converter),
        (chip.neuron, Circuit), (chip.noise, Noise), (chip.wire, Wire), (network.neuron, Neuron), (network.readout, Neuron), (rule, Rule),
    ):  # fmt: skip
        if isinstance(part, type):
            raise InputError(f"{part.__name__} is a class where a part is wanted: write {part.__name__}() for one with its defaults.")
        check(part)
        check_methods(type(discrete(part, chip.step_s)), protocol)
    check_declared(rule)
    if learning:
        check_product(rule)
        _check_readout(rule, learning.readout_rule)
    _check_wiring(network, learning, rule)
    if rule.site == "weight" and chip.noise.State is not Nothing:
        raise InputError(
            f"{type(rule).__name__} perturbs every weight, but the noise source {type(chip.noise).__name__} keeps a state per neuron and cannot "
            "stand at every synapse; choose a source without state, such as gaussian or bernoulli."
        )
    split = [type(part).__name__ for part in (network.neuron, network.readout) if getattr(part, "apart", False)]
    if chip.reference == "column" and split:
        raise InputError(
            f"The chip {chip.name} measures each column against a reference column, so that no cell alone excites or inhibits, but {split[0]} "
            'takes the two apart; choose a neuron with one input, such as lif, or set chip.reference to "ideal".'
        )
    if chip.reference == "column" and network.wiring.sparse:
        raise InputError(
            f"The chip {chip.name} measures each column against a reference column, which needs a cell in every row of a full array; use "
            'dense wiring (network.wiring), or set chip.reference to "ideal".'
        )
    if learning:
        _check_passes(network, learning, rule)
    if learning and getattr(type(chip.noise), "silent", False):
        _check_silent(chip, learning, rule)
    if learning and not learning.every_step and getattr(chip.wire, "delay", 0) > 0:
        raise InputError(
            f'The reward is sent once at the end of a sequence (reward "sequence"), but the wire is {chip.wire.delay} steps late, so that it '
            "would never arrive; set chip.wire.delay to 0 or send a reward every step."
        )
    if learning and not 0 <= learning.threshold <= 1e6:
        raise InputError(f"The threshold of {type(rule).__name__} must be a number from 0 to 1e6, got {learning.threshold!r}.")
    if learning and learning.verify not in (False, True):
        raise InputError(f"verify of {type(rule).__name__} must be true or false, got {learning.verify!r}.")
    if learning and learning.verify and learning.threshold == 0:
        raise InputError(f"Of {type(rule).__name__}, {NOTHING_TO_VERIFY}")
    if learning and learning.verify and getattr(chip.cell, "keeps", False):
        raise InputError(
            f"{type(rule).__name__} looks at what each write has moved (verify), but cells of the chip {chip.name} keep what they have not written for "
            'later, so that it would be asked for twice; set chip.cell.update to "direct" or rule.verify to false.'
        )
    lanes, waiting, kept = (learning.lanes, learning.waiting, learning.kept) if learning else (1, {}, {})
    for one, over_interval in ((rule, kept), (learning.readout_rule, {})) if learning else ((rule, {}),):
        for place, record, times, once in (("synapse", one.Register, lanes, waiting), ("neuron", one.Memory, 1, over_interval)):
            need, room = sum(bits(record).values()) * times + sum(once.values()), chip.memory.room(place)
            if room is not None and need > room:
                names = ", ".join(f"{name} {n} bit" for name, n in bits(record).items())
                names += f", for each of {times} samples" if times > 1 else ""
                names += "; " * bool(names and once) + ", ".join(f"{name} {n} bit" for name, n in once.items())
                raise InputError(
                    f"{type(one).__name__} needs {need} bits in every {place} ({names}), but the chip {chip.name} has {room}; "
                    "choose a rule without it or a chip with more memory."
                )


def _check_readout(rule, readout_rule):
    """Whether a rule of the readout keeps its contract and can learn beside that of the layers."""
    ours, other = type(rule), type(readout_rule)
    check(readout_rule)
    check_methods(other, Rule)
    check_declared(readout_rule)
    check_product(readout_rule)
    if other.site != ours.site or other.Register is not ours.Register:
        raise InputError(
            f"The readout learns by {other.__name__}, which has the site {other.site!r} and the Register {other.Register.__name__}, and the layers "
            f"by {ours.__name__} with {ours.site!r} and {ours.Register.__name__}: both must be the same."
        )


def _check_wiring(network, learning, rule):
    """Whether the wires can carry what the network and the rule want of them."""
    wiring = check(network.wiring)
    if wiring.sparse and wiring.probability > 0 and rule.site == "weight":
        raise InputError(
            f"{type(rule).__name__} perturbs every weight, which the loop does for dense wiring alone; use np or anp, or network.wiring dense."
        )
    mixed = learning is not None and learning.decorrelation_lr > 0 and not learning.raw_recurrence
    if wiring.delay > 0 and (mixed or not getattr(network.neuron, "spikes", False)):
        what = "what decorrelation makes of spikes is none" if mixed else f"{type(network.neuron).__name__} sends none"
        raise InputError(f"network.wiring.delay is {wiring.delay:g} s, but only spikes can be late and {what}; set it to 0.")


def _check_passes(network, learning, rule):
    """Whether the passes are in an order that the loop knows, and whether a rule can meet its rewards in the neuron."""
    noisy, layers = tuple(learning.passes), len(network.layers) + 1
    if noisy not in ((True,), (False, *(True,) * (len(noisy) - 1)), (True,) * (len(noisy) - len(noisy) % 2)) or noisy == (False,):
        raise InputError(
            f"A rule's passes must be a clean one and then perturbed ones, pairs of perturbed ones or a single perturbed one, got {noisy}."
        )
    if noisy == (True,) and not learning.prediction > 0:
        raise InputError("A single pass has no other one to compare its loss with; give the learning a rate of prediction, such as 0.01.")
    if learning.interval < 1 or (learning.interval > 1 and (rule.site != "current" or not learning.every_step or noisy == (True,))):
        raise InputError(
            f"The interval is {learning.interval}: it is a number of steps from 1 up, and above 1 it takes a rule of neurons that hear every step "
            "how two passes compare."
        )
    if learning.interval > 1 and network.wiring.delay > 0:
        raise InputError(
            f"rule.interval is {learning.interval}, so that perturbed passes start anew from the one that they are compared with, but spikes that are "
            "under way (network.wiring.delay) would not; set one of them to its default."
        )
    if learning.by_layer and learning.samples != layers:
        raise InputError(
            f'rule.perturb is "layer" and the network has {layers - 1} hidden layers and a readout: set rule.samples to {layers}, '
            f"one perturbed pass for each; got {learning.samples}."
        )
    pairs = noisy[0] and len(noisy) > 1
    if hasattr(rule, "wander") and (rule.site != "weight" or pairs or learning.folds):
        raise InputError(
            f"{type(rule).__name__} has a method wander, which keeps one perturbation of a weight in its registers: site must be "
            '"weight", and passes a clean one with perturbed ones or a single perturbed one, without momentum.'
        )


def knows_noise(rule):
    """Whether a rule learns from the noise that was given."""
    return rule.site == "weight" or any(read.name in ("own", "own.xi") for read in reads_of(rule)["signal"])


def _check_silent(chip, learning, rule):
    """Whether a rule can learn from the chip's own noise, and whether there is any."""
    if learning and learning.antithetic:
        raise InputError(
            f"The noise source {type(chip.noise).__name__} leaves learning to the chip's own noise, which nobody can give again with the other "
            'sign; use rule.passes "noisy-noisy".'
        )
    if knowing := next((one for one in (rule, learning.readout_rule) if knows_noise(one)), None):
        raise InputError(
            f"{type(knowing).__name__} learns from the perturbation that was given, but the noise source {type(chip.noise).__name__} gives none and nobody knows "
            "the chip's own noise; choose a rule that measures changes of activity, such as anp."
        )
    if not (chip.tile.draws.get("finish") or chip.dac.draws.get("convert") or chip.adc.draws.get("convert")):
        raise InputError(
            f"The noise source {type(chip.noise).__name__} leaves learning to the chip's own noise, but the passes of the chip {chip.name} do not "
            "differ: neither its tile nor a converter draws noise; choose a crossbar, or another noise source."
        )


def check_product(rule) -> None:
    """Refuse a rule that says ``product = True`` and whose changes are not pre times what neither weight nor register has a part in."""
    cls, rng = type(rule), np.random.default_rng(0)
    if not is_product(cls):
        return
    why = "its synapses have registers" if cls.Register._fields else "it leaves changes to chance" if hasattr(cls, "settle") else ""
    points = rng.standard_normal((60, 4)) * 10.0 ** rng.uniform(-6, 1, (60, 4))
    for w, pre, a, reward in points if not why else ():
        r = cls.Register()
        whole, times = rule.change(w, r, pre, a, reward), pre * rule.change(0.0, r, 1.0, a, reward)
        if abs(whole - times) > 1e-6 * abs(times):
            why = f"change(w={w:.3g}, r, pre={pre:.3g}, ...) is {whole:.4g} and {pre:.3g} times change(w=0, r, pre=1, ...) is {times:.4g}"
    if why:
        raise InputError(
            f"{where(cls)}: {cls.__name__}.product is True, which lets rows and columns of an array write its changes, but {why}; leave product out."
        )


def check_dense(network, rule) -> None:
    """Refuse reference gradients of sparse or late wiring or biases: no equation here leaves a synapse out, adds one, or waits."""
    if network.wiring.sparse or network.wiring.delay > 0 or network.bias:
        raise InputError(
            f"Reference gradients ({rule.name}) are computed for dense wiring alone, without biases and delays; use network.wiring dense with a "
            "delay of 0 and network.bias false, or a rule such as np or anp."
        )


def check_can_act(learning: Learning) -> None:
    """Refuse a rule that compares passes where only one can act."""
    if not (learning.prediction > 0 and learning.samples == 1):
        raise InputError(
            f"An environment cannot be cloned, so that only one pass can act in it, but rule {learning.name} compares what several passes are "
            'given: use nrl, oua, or np or wp with rule.passes "noisy".'
        )
