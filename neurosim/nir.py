"""Networks of other tools here, and ours there: graphs in the Neuromorphic Intermediate Representation (NIR).

NIR says what neurons do in continuous time; how a tool takes a step, when it resets and what its numbers are counted in, it does not say.
`TOOLS` has that for tools that write it. A graph is a chain of layers, each of which may hear from itself a step later:

    input -> Affine -> LIF (<-> Affine) -> Affine -> LIF ... -> LI -> output

A neuron of NIR integrates ``tau dv/dt = v_leak - v + r i``; a synaptic current obeys ``tau_syn di/dt = -i + w_in s``. What arrives in a step is
here there from its beginning. So r and ``w_in * step / tau_syn`` go into the weights, and so do thresholds that differ: potentials have
no unit of their own. Delays are on recurrent wires, in addition to the next step.

Pedersen et al. 2024, "Neuromorphic intermediate representation: a unified instruction set for interoperable brain-inspired computing",
doi:10.1038/s41467-024-52259-9.
"""

import io
import math
import pathlib
import tomllib
from typing import Any, NamedTuple

import numpy as np
import tomli_w

import neurosim
from hw_models.chip import Chip
from hw_models.parts import InputError, check, nearest
from neurosim import config, files
from neurosim.imported import Imported
from neurosim.network import Network
from neurosim.neurons import LI, LIF, Linear
from neurosim.neurons.spiking import decay, reach
from neurosim.rules import Gradient, Perturbation
from neurosim.wiring import Dense, FeedForward


class Tool(NamedTuple):
    """What a graph does not say about the tool that wrote it."""

    step_s: float  #: of its steps, if no other is given
    integration: str
    reset: str
    late: bool = False  #: a reset by subtraction comes a step later, after that step's leak
    in_steps: bool = False  #: times are numbers of steps
    whole: tuple[str, ...] = ()  #: nodes where what arrives is added to the potential as it is, not as the membrane would take it in


#: snnTorch 1.0, Norse 1.1, Sinabs 2.0; "nir" is the text of the format itself.
TOOLS = {
    "nir": Tool(1e-3, "exact", "value"),
    "norse": Tool(1e-3, "euler", "value"),
    "sinabs": Tool(1e-3, "exact", "subtract", in_steps=True, whole=("LI",)),
    "snntorch": Tool(1e-4, "euler", "subtract", late=True),
}

NEURONS = ("LIF", "CubaLIF", "LI", "CubaLI")
MAPS = ("Input", "Output", "Flatten", "Linear", "Affine", "Scale", "Delay")
KEY = "neurosim"  #: of the graph's metadata
ONE = "the layers of a network have one neuron model, but for the readout"


def read(source, dt: float | None = None, like: str | None = None) -> Imported:
    """A graph as a network with its weights.

    Parameters
    ----------
    source : path or nir.NIRGraph
    dt : float, s
        Length of a step; if not given, what the graph's metadata say, or what its tool uses.
    like : "nir", "norse", "sinabs" or "snntorch"
        Whose steps to take; if not given, those of neurosim if it wrote the graph, and else the exact ones of "nir".

    Returns
    -------
    Imported

    Raises
    ------
    InputError
        If it is no graph, or a node of it cannot be run: its name, and why.
    """
    if like is not None and like not in TOOLS:
        raise InputError(f'like "{like}" is not known; {nearest(like, TOOLS)}')
    graph = _Graph(_opened(source))
    ours = _metadata(graph.metadata) if like is None else {}
    stored = {name: config.part_from(ours["network"][name], name) for name in ("neuron", "readout")} if ours else {}
    chip = config.chip_from(ours["chip"]) if ours else Chip()
    tool = TOOLS[like or "nir"]
    step_s = dt if dt is not None else chip.step_s if ours else tool.step_s
    if not step_s > 0:
        raise InputError(f"dt is the length of a step in seconds and above 0, got {dt!r}.")
    chain, top = graph.chain()
    layers = chain if top.direct is None else chain[:-1]
    told = [_as_told(tool, stored.get("neuron" if layer in layers else "readout")) for layer in chain]
    cells = [_cell(layer, how, step_s) for layer, how in zip(chain, told, strict=True)]
    neuron, gains = _one_kind(cells[: len(layers)])
    readout, more = (Linear(), []) if top.direct is None else _one_kind(cells[-1:])
    neuron, readout = (_with(stored.get(name), part) for name, part in (("neuron", neuron), ("readout", readout)))
    gains += more or [np.ones(top.matrix.shape[1])]
    below = [*((layer.below, layer.bias) for layer in chain), *([(top.matrix, top.bias)] if top.direct is None else [])]
    bias = any(np.any(b) for _, b in below) or bool(ours and ours["network"]["bias"])
    recurrent = [layer for layer in layers if layer.back is not None]
    wiring = _wiring(recurrent, ours)
    network = Network(
        len(below[0][0]), tuple(len(cell.gain) for cell in cells[: len(layers)]), len(gains[-1]), neuron, readout, wiring=wiring, bias=bias
    )
    network = check(network._replace(hidden=network.layers[0] if len(layers) == 1 else network.layers))
    if ours:
        gained = {name: ours["network"][name] for name in ("gain", "input_gain", "readout_gain") if name in ours["network"]}
        network = network._replace(**gained)
    seed, weights = int(ours.get("seed", 0)), []
    for k, wires in enumerate(network.wires(seed)):
        if k % 2 == 0:
            matrix, b = below[k // 2]
            weights.append((np.vstack([matrix, b]) if bias else matrix) * gains[k // 2])
        elif len(wires.start) == 0:
            back, n = layers[k // 2].back, network.layers[k // 2]
            weights.append(np.zeros((n, n)) if back is None else back * gains[k // 2])
        else:
            back = layers[k // 2].back
            weights.append(np.zeros(0) if back is None else (back * gains[k // 2])[wires.pre, wires.post])
    return Imported(network, weights, chip._replace(step_s=step_s), config.rule_from(ours["rule"]) if ours.get("rule") else None, seed)


def named(name: str, dt: float | None = None) -> Imported:
    """A graph from its path, with the tool whose steps to take in front if it needs one, as in ``snntorch:net.nir``."""
    tool, colon, path = name.partition(":")
    return read(path, dt, tool) if colon and tool in TOOLS else read(name, dt)


def base(name: str, dt: float | None = None) -> tuple[dict[str, Any], float]:
    """What an experiment that starts from a graph is unless something else is said, and the step that belongs to it."""
    one = named(name, dt)
    table = {**config.SHOWCASE, "network": config.network_table(one.network)}
    if one.rule is not None:
        table["rule"] = config.rule_table(one.rule)
    if one.chip.name != Chip().name:
        table["chip"] = one.chip.to_table()
    return table, one.chip.step_s


def write(network: Network, weights, path=None, chip: Chip | None = None, rule=None, seed: int = 0) -> Any:
    """A network with its weights as a graph; what NIR cannot say goes into its metadata.

    Parameters
    ----------
    network : Network
        Of LIF or LI neurons; the readout LIF, LI or Linear.
    weights : list of arrays
        As `Simulator.weights`.
    path : path, optional
        Of the file to write, such as net.nir.
    chip : hw_models.Chip, optional
        Whose step it is, and whose bits and noise go along; the ideal one if not given.
    rule : part, optional
    seed : int
        That of the network's wires.

    Returns
    -------
    nir.NIRGraph

    Raises
    ------
    InputError
        If NIR has no such neuron or the weights do not fit.
    """
    nir, there = _load(), check(chip if chip is not None else Chip())
    wires = check(network).wires(seed)
    shapes = [w.post.shape if len(w.start) else shape for w, shape in zip(wires, network.shapes(), strict=True)]
    weights = [np.asarray(w) for w in weights]
    if [w.shape for w in weights] != shapes:
        raise InputError(f"The weights have shapes {[w.shape for w in weights]}, but the network has {shapes}.")
    names, sizes = [_name(name) for name in network.populations], [*network.layers, network.outputs]
    nodes, edges, before = {"input": nir.Input(input_type=np.array([network.inputs]))}, [], "input"

    def connect(k, pre, post):
        w, name = weights[k], f"{pre}_to_{post}"
        if len(wires[k].start):
            full = np.zeros(network.shapes()[k], w.dtype)
            full[wires[k].pre, wires[k].post] = w
            w = full
        biased = network.bias and k % 2 == 0
        nodes[name] = nir.Affine(w[:-1].T.copy(), w[-1].copy()) if biased else nir.Linear(w.T.copy())
        return name

    for k, (name, n) in enumerate(zip(names, sizes, strict=True)):
        last = k == len(network.layers)
        edges.append((before, connect(2 * k, before, name)))
        part = network.readout if last else network.neuron
        if not last or type(part) is not Linear:
            nodes[name] = _node(nir, part, n, there.step_s)
            edges.append((edges[-1][1], name))
        before = edges[-1][1]
        if not last and weights[2 * k + 1].size:
            late = network.wiring.delay
            back = connect(2 * k + 1, name, name)
            edges += [(name, back), (back, name)]
            if late > 0:
                nodes[f"{name}_delay"] = nir.Delay(np.full(n, late))
                edges[-2:] = [(name, f"{name}_delay"), (f"{name}_delay", back), (back, name)]
    nodes["output"] = nir.Output(output_type=np.array([network.outputs]))
    edges.append((before, "output"))
    said = {"version": neurosim.__version__, "seed": seed, "network": config.network_table(network), "chip": there.to_table()}
    if isinstance(rule, Perturbation | Gradient):
        said["rule"] = config.rule_table(rule)
    elif rule is not None:
        raise InputError(f"A rule of your own ({type(rule).__name__}) stands in a file, which does not go into a NIR graph; leave it out.")
    graph = nir.NIRGraph(nodes=nodes, edges=edges, metadata={KEY: tomli_w.dumps(said)})
    if path is not None:
        content = io.BytesIO()
        nir.write(content, graph)
        files.write(pathlib.Path(path), content.getvalue())
    return graph


# ---------------------------------------------------------------- the graph


class Sum(NamedTuple):
    """What a node receives: from each source, after a delay, times a matrix (or a number, of one to one), and a constant."""

    parts: dict[tuple[str, float], Any]
    bias: Any = 0.0


class Layer(NamedTuple):
    """A population with all that leads to it."""

    name: str
    node: Any
    n: int
    below: np.ndarray  #: (pre, post)
    bias: np.ndarray  #: (post,)
    back: np.ndarray | None
    delay: float


class Top(NamedTuple):
    """What the output hears."""

    direct: str | None  #: the last population itself
    matrix: np.ndarray
    bias: np.ndarray


class _Graph:
    """A graph without subgraphs, and what its nodes hear."""

    def __init__(self, graph):
        self.nir, self.metadata = _load(), graph.metadata
        self.nodes, self.edges = _flat(graph)
        for name in self.nodes:
            if self._kind(name) not in (*NEURONS, *MAPS):
                raise InputError(
                    f"Node {_said(name)} is of kind {self._kind(name)}, which is not run here; known are {', '.join((*NEURONS, *MAPS[3:]))}."
                )
        self.input, self.output = (self._only(kind) for kind in ("Input", "Output"))
        self.populations = [name for name in self.nodes if self._kind(name) in NEURONS]

    def chain(self) -> tuple[list[Layer], Top]:
        """The populations from the input to the output, and what the output hears."""
        heard = {name: self.heard(name) for name in self.populations}
        above: dict[str, str] = {}
        for name, found in heard.items():
            sources = sorted({source for source, _ in found.parts} - {name})
            if len(sources) != 1:
                what = " and ".join(map(_said, sources)) or "no other node"
                raise InputError(f"Node {_said(name)} hears from {what}; it must hear from one layer or input, and perhaps from itself.")
            if sources[0] in above:
                raise InputError(
                    f"Nodes {_said(above[sources[0]])} and {_said(name)} both hear from {_said(sources[0])}; a network here is a chain of layers."
                )
            above[sources[0]] = name
        order, width = [], None
        while (below := order[-1].name if order else self.input) in above:
            order.append(self._layer(above[below], below, heard[above[below]], width))
            width = order[-1].n
        if missing := [name for name in self.populations if name not in {layer.name for layer in order}]:
            raise InputError(f"Node {_said(missing[0])} is not on the way from the input; a network here is a chain of layers.")
        if not order:
            raise InputError(f"There is no neuron in the graph; known are {', '.join(NEURONS)}.")
        last, found = order[-1], self.heard(self.output)
        if set(found.parts) != {(last.name, 0.0)}:
            what = " and ".join(_said(name) + f" after {late:g} s" * (late > 0) for name, late in sorted(found.parts))
            raise InputError(
                f"Node {_said(self.output)} hears from {what or 'nothing'}; it must hear from the last layer {_said(last.name)} alone."
            )
        matrix = found.parts[last.name, 0.0]
        direct = np.ndim(matrix) == 0 and matrix == 1 and not np.any(found.bias) and last.back is None and len(order) > 1
        full = _full(matrix, last.n)
        return order, Top(last.name if direct else None, full, np.broadcast_to(found.bias, full.shape[1]))

    def heard(self, name: str, path: tuple[str, ...] = ()) -> Sum:
        """What a node receives."""
        if name in path:
            raise InputError(f"Node {_said(name)} hears from itself with no neuron in between; such a graph has no order of steps.")
        total = Sum({})
        for pre in dict.fromkeys(pre for pre, post in self.edges if post == name):
            total = _add(total, self.sent(pre, (*path, name)))
        return total

    def sent(self, name: str, path: tuple[str, ...] = ()) -> Sum:
        """What a node sends, in terms of populations and the input."""
        kind, node = self._kind(name), self.nodes[name]
        if name in self.populations or name == self.input:
            return Sum({(name, 0.0): 1.0})
        found = self.heard(name, path)
        if kind in ("Linear", "Affine"):
            w = _array(node.weight)
            if w.ndim != 2:
                raise InputError(f"Node {_said(name)} has a weight of shape {w.shape}; only matrices are run here.")
            found = Sum({key: _times(m, w.T) for key, m in found.parts.items()}, _row(found.bias, len(w.T)) @ w.T)
            return found._replace(bias=found.bias + _array(node.bias).ravel()) if kind == "Affine" else found
        if kind == "Scale":
            s = _array(node.scale).ravel()
            return Sum({key: _times(m, np.diag(s)) for key, m in found.parts.items()}, found.bias * s)
        if kind == "Delay":
            late = _uniform(name, "delay", _array(node.delay))
            return Sum({(source, already + late): m for (source, already), m in found.parts.items()}, found.bias)
        return found

    def _layer(self, name, below, found, width) -> Layer:
        node, back, delay = self.nodes[name], None, 0.0
        for (source, late), matrix in found.parts.items():
            if source == name:
                if back is not None:
                    raise InputError(f"Node {_said(name)} hears from itself after {delay:g} s and after {late:g} s; one delay is run here.")
                back, delay = matrix, late
            elif late > 0:
                raise InputError(f"Node {_said(name)} hears from {_said(below)} {late:g} s late; only recurrent wires can be late here.")
        matrix = found.parts.get((below, 0.0))
        own = max(np.size(_array(value)) for value in (node.v_leak, node.r))
        n = np.shape(matrix)[1] if np.ndim(matrix) else width or own
        return Layer(name, node, n, _full(matrix, n), np.array(_row(found.bias, n)), None if back is None else _full(back, n), delay)

    def _kind(self, name) -> str:
        return type(self.nodes[name]).__name__

    def _only(self, kind) -> str:
        """The one input or output of the whole."""
        found = [name for name in self.nodes if self._kind(name) == kind and "." not in name]
        inner = {pre for pre, _ in self.edges} if kind == "Output" else {post for _, post in self.edges}
        found = [name for name in found if name not in inner] or found
        if len(found) != 1:
            raise InputError(f"The graph has {len(found)} nodes of kind {kind}; a network here has one.")
        return found[0]


def _flat(graph, prefix="") -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Nodes and edges with those of subgraphs among them, whose inputs and outputs only pass on."""
    nodes, edges, doors = {}, [], {}
    for name, node in graph.nodes.items():
        own = f"{prefix}{name}"
        if type(node).__name__ == "NIRGraph":
            inside, between = _flat(node, f"{own}.")
            nodes, edges = {**nodes, **inside}, [*edges, *between]
            kinds = {kind: [f"{own}.{n}" for n, each in node.nodes.items() if type(each).__name__ == kind] for kind in ("Input", "Output")}
            if any(len(found) != 1 for found in kinds.values()):
                raise InputError(f"Node {_said(own)} is a graph with several inputs or outputs; one of each is run here.")
            doors[name] = kinds["Input"][0], kinds["Output"][0]
        else:
            nodes[own], doors[name] = node, (own, own)
    return nodes, [*edges, *((doors[pre][1], doors[post][0]) for pre, post in graph.edges)]


def _add(one: Sum, other: Sum) -> Sum:
    parts = dict(one.parts)
    for key, matrix in other.parts.items():
        if key in parts and np.ndim(parts[key]) != np.ndim(matrix):
            n = max(len(m) for m in (parts[key], matrix) if np.ndim(m))
            parts[key], matrix = _full(parts[key], n), _full(matrix, n)
        parts[key] = parts[key] + matrix if key in parts else matrix
    return Sum(parts, one.bias + other.bias)


def _times(one, matrix):
    return one * matrix if np.ndim(one) == 0 else one @ matrix


def _full(matrix, n) -> np.ndarray:
    """A matrix, also of what is sent one to one."""
    return matrix * np.eye(n) if np.ndim(matrix) == 0 else np.asarray(matrix)


def _row(bias, n):
    return np.broadcast_to(np.asarray(bias, np.float64), n)


# ---------------------------------------------------------------- neurons


class Cell(NamedTuple):
    """What a node says of its neurons, in our terms; what may differ from neuron to neuron has one number for each."""

    name: str
    part: Any  #: LIF or LI, for a threshold of that of the first neuron
    gain: np.ndarray  #: (neuron,) what weights are multiplied by


def _as_told(tool: Tool, stored) -> Tool:
    """The tool, but stepping and resetting as our own metadata say."""
    if stored is None or not hasattr(stored, "integration"):
        return tool
    return Tool(tool.step_s, stored.integration, getattr(stored, "reset", "value"))


def _cell(layer: Layer, tool: Tool, step_s: float) -> Cell:
    node, name, n = layer.node, layer.name, layer.n
    kind, unit = type(node).__name__, step_s if tool.in_steps else 1.0

    def each(field):
        values = _array(getattr(node, field)).ravel()
        if len(values) not in (1, n):
            raise InputError(f"Node {_said(name)} has {len(values)} values of {field} for {n} neurons.")
        return np.broadcast_to(values, n)

    current = kind.startswith("Cuba")
    tau_mem = _uniform(name, "tau_mem" if current else "tau", each("tau_mem" if current else "tau")) * unit
    tau_syn = _uniform(name, "tau_syn", each("tau_syn")) * unit if current else 0.0
    gain = each("r") * (each("w_in") * (step_s / tau_syn) if current else 1.0)
    if kind in tool.whole:
        gain = gain / reach(tau_mem, 0.0, step_s, tool.integration)  # type: ignore[arg-type]
    if not kind.endswith("LIF"):
        if np.any(each("v_leak")):
            raise InputError(f"Node {_said(name)} has a v_leak that is not 0; a {kind} without input settles at 0 here.")
        return Cell(name, LI(tau_mem, tau_syn, tool.integration), gain)  # type: ignore[arg-type]
    if np.any(each("v_threshold") <= 0):
        raise InputError(f"Node {_said(name)} has a v_threshold that is not above 0.")
    threshold = float(each("v_threshold")[0])
    scale = threshold / each("v_threshold")
    reset, leak = (_uniform(name, f"{field} over v_threshold", each(field) * scale) for field in ("v_reset", "v_leak"))
    if tool.late:
        kept = decay(tau_mem, step_s, tool.integration)  # type: ignore[arg-type]
        if kept == 0:
            raise InputError(f"Node {_said(name)} has a time constant of one step, after which there is nothing to take a threshold off.")
        reset = threshold - (threshold - reset) / kept  # what is taken off now leaks until then
    part = LIF(tau_mem, tau_syn, threshold, reset, leak, reset=tool.reset, integration=tool.integration)  # type: ignore[arg-type]
    return Cell(name, part, gain * scale)


def _one_kind(cells: list[Cell]) -> tuple[Any, list[np.ndarray]]:
    """The one neuron model of some layers, and what the weights of each are multiplied by, for the threshold of the first."""
    first, gains = cells[0], []
    for cell in cells:
        scale = first.part.v_threshold / cell.part.v_threshold if type(cell.part) is type(first.part) is LIF else 1.0
        part = cell.part
        if isinstance(part, LIF):
            part = part._replace(**{name: getattr(part, name) * scale for name in ("v_threshold", "v_reset", "v_leak")})
        if type(part) is not type(first.part):
            raise InputError(f"Nodes {_said(first.name)} and {_said(cell.name)} are of two kinds; {ONE}.")
        one: Any
        other: Any
        for field, one, other in zip(part._fields, first.part, part, strict=True):
            if one != other and not math.isclose(one, other, rel_tol=1e-6):  # what is no number is the tool's, and equal
                raise InputError(f"Nodes {_said(first.name)} and {_said(cell.name)} differ in {field} ({one:.6g} and {other:.6g}); {ONE}.")
        gains.append(cell.gain * scale)
    return first.part, gains


def _with(stored, part):
    """A part that was written by us: what the graph's nodes say, and what they cannot say from the metadata."""
    if type(stored) is not type(part) or not hasattr(part, "tau_mem"):
        return part
    said = ("tau_mem", "tau_syn", "v_threshold", "v_reset", "v_leak")
    return stored._replace(**{name: getattr(part, name) for name in said if name in part._fields})


def _wiring(recurrent: list[Layer], ours) -> Any:
    if ours and ours["network"]["wiring"]["kind"] == "sparse":
        return config.part_from(ours["network"]["wiring"], "wiring")
    if not recurrent:
        return FeedForward()
    for layer in recurrent[1:]:
        if layer.delay != recurrent[0].delay:
            raise InputError(
                f"Nodes {_said(recurrent[0].name)} and {_said(layer.name)} differ in the delay of their recurrent wires; one delay is run here."
            )
    return Dense(recurrent[0].delay)


def _node(nir, part, n, step_s):
    """A part as a node; weights stay as they are, so that r is 1 and w_in undoes the step."""
    full = lambda value: np.full(n, value)  # noqa: E731
    if type(part) not in (LIF, LI):
        raise InputError(f"NIR has no neuron like {type(part).__name__}; LIF and LI can be written, and Linear as a readout.")
    common = {"r": np.ones(n), "v_leak": full(getattr(part, "v_leak", 0.0))}
    if type(part) is LIF:
        common |= {"v_threshold": full(part.v_threshold), "v_reset": full(part.v_reset)}
    if part.tau_syn > 0:
        kind = nir.CubaLIF if type(part) is LIF else nir.CubaLI
        return kind(tau_mem=full(part.tau_mem), tau_syn=full(part.tau_syn), w_in=full(part.tau_syn / step_s), **common)
    return (nir.LIF if type(part) is LIF else nir.LI)(tau=full(part.tau_mem), **common)


def _uniform(name, field, values) -> float:
    values = np.ravel(values)
    if not np.allclose(values, values[0], rtol=1e-6, atol=0):
        raise InputError(
            f"Node {_said(name)} has {field} from {values.min():.6g} to {values.max():.6g}; the neurons of a network have one value."
        )
    return float(values[0])


# ---------------------------------------------------------------- files


def _load():
    try:
        import nir
    except ImportError as error:
        raise InputError(f'NIR cannot be used ({error}): pip install "neurosim-hw[nir]".') from None
    return nir


def _opened(source):
    nir = _load()
    if isinstance(source, nir.NIRGraph):
        return source
    if not isinstance(source, str | pathlib.Path):
        raise InputError(f"A graph is a path such as net.nir or a nir.NIRGraph, got {type(source).__name__}.")
    try:
        return nir.read(str(source), type_check=False)  # tools write types with their batches and steps in them
    except FileNotFoundError:
        raise InputError(f"{source} does not exist; give a file that a tool wrote with nir.write.") from None
    except Exception as error:  # the reader of the format may fail in any way on a file that is none
        raise InputError(f"{source} is not a NIR graph ({' '.join(str(error).split()) or type(error).__name__}).") from None


def _metadata(metadata) -> dict[str, Any]:
    """What we wrote into a graph; nothing if another tool wrote it."""
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if text is None:
        return {}
    return tomllib.loads(text.decode() if isinstance(text, bytes) else str(text))


def _array(values) -> np.ndarray:
    """Numbers of a node, which may be those of another library."""
    return np.asarray(values.detach() if hasattr(values, "detach") else values, np.float64)


def _name(name: str) -> str:
    return name.replace("-", "_")


def _said(name: str) -> str:
    return f'"{name}"'
