"""What the loop works on: records of parts, of arrays and of what kind of run this is.

Axes: pass q, replica b (a batch: copies of the network that share the weights), pre j, post i. Weights are stored pre-major.
"""

import math
from typing import Any, NamedTuple

import numpy as np

LINE = 64  #: bytes of a cache line, and of the longest vector


def zeros(shape, dtype) -> np.ndarray:
    """Zeros from the beginning of a cache line on, so that no vector lies across two."""
    dtype = np.dtype(dtype)
    size = math.prod(shape if isinstance(shape, tuple) else (shape,)) * dtype.itemsize
    memory = np.zeros(size + LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


class Parts(NamedTuple):
    """The parts that the loop calls, with numbers of the run's float type."""

    cell: Any
    decorrelation_cell: Any  #: the cells that hold D
    tile: Any
    dac: Any
    adc: Any
    circuit: Any
    noise: Any
    wire: Any
    neuron: Any
    readout_neuron: Any
    rule: Any
    readout_rule: Any  #: with the same registers
    loss: Any
    wiring: Any


class Count(NamedTuple):
    """Numbers beyond the range of a part of the chip; where a part has no range stands `Nothing`."""

    n: np.ndarray  #: (1,) int64


class Fired(NamedTuple):
    """Neurons that sent a spike, as lists."""

    which: np.ndarray  #: (pass, replica, neuron) int32
    n: np.ndarray  #: (pass, replica) int64: how long the lists are


class Flight(NamedTuple):
    """Spikes on their way: a ring of lists, one a step; without a projection of spikes it is empty."""

    which: np.ndarray  #: (delay + 1, pass, replica, pre) int32
    sent: np.ndarray  #: (delay + 1, pass, replica, pre) what each sent
    n: np.ndarray  #: (delay + 1, pass, replica) int64
    landing: np.ndarray  #: (1,) int64: the list of those that arrive in this step


class Projection(NamedTuple):
    """The weights from one population to another, and what a synapse remembers. Of a sparse one, all that is (pre, post) is (1, wire)."""

    wires: Any  #: Wires
    flight: Flight
    planes: Any  #: Cell.State of (pre, post) arrays
    registers: Any  #: Rule.Register of (replica x lane, pre, post) arrays
    reference: Any  #: Cell.State of (pre, 1) arrays, the column that all others are measured against; (pre, 0) where there is none
    columns: Any  #: Tile.Column of (line * post,) arrays, and of the reference column behind them
    dac: Any  #: Converter.Params of (pre,) arrays
    adc: Any  #: Converter.Params of (tile, line * post) arrays
    sums: Any  #: Tile.Sums of (tile, pass, replica, line * post) arrays
    z: np.ndarray  #: (pass, replica, pre) what the weights see in this step; of a bias, the last row, always 1
    z_before: np.ndarray  #: (replica, pre) what they learn from: what they saw a step ago, or as their neurons were perturbed, first pass
    given: np.ndarray  #: (pass, replica, pre, post) perturbation of each weight in the last step; without rows if none is perturbed
    waiting: np.ndarray  #: (pre, post) changes that wait for the end of the sequence or a threshold; (0, 0) if none waits
    scale: Any  #: weight of a full-scale cell
    reach: Any  #: what a column's sum is divided by before the ADC, and multiplied with behind it
    number: int  #: its place among the random streams
    lines: int  #: of one column: 2 where what excites the neuron and what inhibits it come down apart, else 1
    events: bool  #: what is sent are spikes, which pass no DAC, and only whose rows are read
    rows: int  #: rows of one tile; a taller array stands on several, whose sums are added behind the ADC
    clipped: Any  #: Count of numbers beyond the range of the DAC
    clipped_sums: Any  #: and of the ADC
    writes: np.ndarray  #: (3,) int64: changes asked for, changes swallowed by the cell, pulses delivered
    spikes: np.ndarray  #: (4,) int64: spikes carried in passes without and with a perturbation, and synapses that they met in each


class Group(NamedTuple):
    """One population of neurons."""

    params: Any  #: Neuron.Params of (neuron,) arrays
    mismatch: Any  #: Circuit.Params of (neuron,) arrays
    state: Any  #: Neuron.State of (pass, replica, neuron) arrays
    noise: Any  #: Noise.State of (pass, replica, neuron) arrays
    memory: Any  #: Rule.Memory of (replica, neuron) arrays
    current: np.ndarray  #: (pass, replica, line * neuron): of excitation and then of inhibition, where they come down apart
    activity: np.ndarray  #: (pass, replica, line * neuron) what rules see the difference of, one a neuron; before that, what circuits met
    out: np.ndarray  #: (pass, replica, neuron)
    fired: Fired  #: where it is not zero; of neurons that do not spike, empty
    xi: np.ndarray  #: (pass, replica, neuron) the perturbation that was given
    heard: np.ndarray  #: (pass, replica) what a neuron multiplies its signal of that pass by; all groups share it
    kept: np.ndarray  #: (pass, replica, neuron) each comparison's signal, as it was formed
    a: np.ndarray  #: (replica x lane, neuron) what its synapses are told of these: the last step's, or what has been heard of since then
    energy: np.ndarray  #: (replica,) sum of the squared inputs
    number: int
    saturated: Any  #: Count of numbers beyond the range of the circuits


class Decorrelator(NamedTuple):
    """The matrix D of one population, or of the inputs, pre-major, in cells of its own."""

    planes: Any  #: Cell.State of (n, n) arrays, row k holding D[:, k]; (0, 0) where nothing is decorrelated
    hat: np.ndarray  #: (pass, replica, n): D x, or x itself where nothing is decorrelated
    before: np.ndarray  #: (replica, n): D x of the step before, first pass
    pull: np.ndarray  #: (replica, n): rate * D' D x of the step before
    scale: Any
    rate: Any
    number: int
    writes: np.ndarray  #: as those of a projection


class Prediction(NamedTuple):
    """The chip's running mean of its losses, one for each replica; unused where they are compared with another pass."""

    mean: Any  #: (replica,)
    known: Any  #: (replica,) 1 after the first loss


class Net(NamedTuple):
    """All that a run changes of a network on its chip."""

    hidden: tuple[Group, ...]
    readout: Group
    projections: tuple[Projection, ...]  #: layer by layer the weights from below and the recurrent ones, then those of the readout
    decorrelators: tuple[Decorrelator, ...]  #: of the layers, then of the inputs
    wires: Any  #: Wire.State of (pass, replica) arrays
    prediction: Prediction


class Plan(NamedTuple):
    """What kind of run this is."""

    learn: bool
    judged: bool  #: whether it learns or the loss of any step may count; else no one asks how it went
    noisy: np.ndarray  #: (pass,) bool: this pass is perturbed
    base: np.ndarray  #: (pass,) int: the pass that this one is compared with
    sends: np.ndarray  #: (pass,) bool: how this pass compares is broadcast
    antithetic: bool  #: a pass that sends is given what its base is given, with the other sign
    by_layer: bool  #: pass k perturbs layer k - 1 alone, and that layer alone learns from it
    folds: bool  #: neurons multiply their signals with the rewards and sum over passes; synapses are told that it is time
    share: Any  #: of each pass in that sum, or of each lane in what a synapse changes by
    lane: np.ndarray  #: (pass,) int: the lane that the signal of this pass takes
    lanes: int  #: signals that a neuron keeps apart, each with a reward and registers of its own
    average: Any  #: rate of the running prediction that losses are compared with; 0 if with the loss of the base
    at_once: bool  #: weights are written when the reward comes, else changes are summed and written at the end of the sequence
    threshold: Any  #: what is written comes in whole multiples of it, and the rest waits; 0 if all is written
    verify: bool  #: cells are looked at before and after they are written, and what they missed waits too
    lasting: bool  #: registers hold running means of changes, which outlive a sequence
    perturb_readout: bool  #: the readout is given a perturbation too, else it only sees what the layers below make of theirs
    raw_recurrence: bool  #: recurrent weights see x although the next layer sees D x
    input_energy: bool
    sigma: Any  #: standard deviation of the perturbation that rules correlate with: of a difference, if the first pass is perturbed too
    carry: Any  #: share of their difference to the clean pass that perturbed passes take into the next step
    interval: int  #: steps from one perturbation of the layers to the next, which starts from the pass that is compared with
    step_s: Any  #: simulated seconds a step takes


class Trains(NamedTuple):
    """Stochastic pulse trains that the rows and columns of an array share in this step; of cells that take none, without lines."""

    slots: np.ndarray  #: (1,) int64: their length; 0 where every synapse draws its own
    rows: np.ndarray  #: (longest pre,) int32: the slots in which a row pulses, a bit each
    columns: np.ndarray  #: (longest post,) int32
    odds: np.ndarray  #: (longest pre or post,) work space: how probably a line pulses


class Moving(NamedTuple):
    """Which cells of four rows may move; and those of several rows, side by side, so that one loop without gaps writes them."""

    flags: np.ndarray  #: (longest post, rounded up to 8) int8: a bit a row, 1 if the cell may move
    words: np.ndarray  #: the same memory, eight flags a number
    odds: np.ndarray  #: (longest post,) how likely a cell of this column moves for an input of 1, in steps of the random numbers' grid
    blocks: np.ndarray  #: (longest post + 8,) int32: eights of columns with a flag
    flagged: np.ndarray  #: (longest post + 8,) int32: columns with a flag
    columns: np.ndarray  #: (longest post + 64 + 8,) int32, of this length as are the next ones: where listed cells stand in their row
    lines: np.ndarray  #: int32: the rows in which they stand
    low: np.ndarray  #: uint32: one half of their row's key
    high: np.ndarray  #: uint32: the other one
    dw: np.ndarray  #: what they are asked for
    cells: Any  #: Cell.State
    hits: np.ndarray  #: pulses that they got
    trains: Trains


class Scratch(NamedTuple):
    """Work space; from `value` on, what one step leaves for the next."""

    dw: np.ndarray  #: (MANY, longest post) what rows of synapses ask for
    line: np.ndarray  #: (1, ...) the same memory, for all wires of a sparse projection
    seen: np.ndarray  #: (MANY, longest post) rows as read
    shaken: np.ndarray  #: (MANY, longest post) rows as read, perturbed
    own: np.ndarray  #: (MANY, longest post) each synapse's own perturbation
    moving: Moving
    moving_d: Moving  #: of the cells that hold D
    source: np.ndarray  #: (pass, replica, input)
    value: np.ndarray  #: (pass, replica) loss change since the last broadcast
    heard: np.ndarray  #: that of the groups
    reward: np.ndarray  #: (replica x lane,) what synapses hear
    arrived: np.ndarray  #: (replica x lane,) share of the change to be made where the wire delivered something, 0 where not
    told: np.ndarray  #: (replica x lane,) 1 where the wire delivered something since neurons were last perturbed, 0 where not
    what: np.ndarray  #: (2,) int64: what the next step does to the synapses, and what the end of the interval does to hidden ones
    phase: np.ndarray  #: (1,) int64: the step of the sequence in which hidden neurons are first perturbed


class View(NamedTuple):
    """What is recorded of a line of numbers; without samples it is nothing."""

    kept: np.ndarray  #: (replica, sample, chosen)
    which: np.ndarray  #: (chosen,) int64
    every: int  #: steps from one sample to the next


class Events(NamedTuple):
    """Spikes that were noted."""

    rows: np.ndarray  #: (spike, 3) int32: replica, step, neuron; without rows nothing is noted
    watched: np.ndarray  #: (neurons of all hidden layers,) bool
    n: np.ndarray  #: (1,) int64: how many there were, those without room included


class Record(NamedTuple):
    """Where results go: those of the first pass."""

    x: View  #: outputs of all hidden layers
    h: View  #: currents of all hidden layers
    y: View  #: outputs of the readout
    state: Any  #: a View for each field of the state of the hidden layers
    spikes: Events
    loss: np.ndarray  #: (replica,) float64: loss of the first pass summed over counted steps
    counts: np.ndarray  #: int64: how often what is named below was done


STEPS = 0  #: steps of the network
COMPARED = 1  #: passes judged by their loss, each replica by itself
SENT = 2  #: numbers given to the reward wire
ARRIVED = 3  #: and delivered by it
HEARD = 4  #: steps in which neurons heard how the passes compare; those of the readout formed their signals
TRACED = 5  #: steps in which synapses of the readout took in what they learn from
LEARNED = 6  #: steps in which they made a change of it
BEGUN = 7  #: steps in which the layers were perturbed and formed their signals
ENDED = 8  #: intervals at whose end their synapses made a change
FAILED = 9  #: 1 if the loss was not finite
COUNTS = 10


READ, TRACE, WRITE = 0, 1, 2  # what a step does to the synapses: only read, advance traces, apply a broadcast


class Course(NamedTuple):
    """What `sequence` is given."""

    parts: Parts
    plan: Plan
    net: Net
    inputs: np.ndarray  #: (replica, step, input)
    targets: np.ndarray  #: (replica, step, output)
    counted: np.ndarray  #: (replica, step) bool: the loss of this step counts
    due: np.ndarray  #: (replica, step) bool: a reward is sent after this step
    span: np.ndarray  #: (3,) int64: the first step of this call, where it ends, and where the sequence does (`sequence`)
    first: int  #: the number of the first replica
    key: Any  #: uint64, the root of all random numbers
    clock: np.ndarray  #: (2,) int64: the steps done so far, and that at which cells last aged
    scratch: Scratch
    record: Record
    one: Any  #: 1 in the run's float type
