"""A TOML file and a command line become an experiment, and an experiment becomes TOML again."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_models import own
from hw_models.cells import ALL_CELLS
from hw_models.parts import InputError
from neurosim import config
from neurosim.rules import DEFAULTS

SMALL = [("--set", "task.steps", 60), ("--set", "task.validation_steps", 40), ("--hidden", "network.hidden", 8)]


def plan(*said, file=None):
    return config.plan(config.assemble(file, [*SMALL, *said]))


def toml(tmp_path, text):
    path = tmp_path / "experiment.toml"
    path.write_text(text)
    return str(path)


def test_nothing_said_is_the_showcase():
    table = config.assemble()
    assert table == config.SHOWCASE
    table["rule"]["name"] = "changed"
    assert config.SHOWCASE["rule"]["name"] != "changed"


def test_the_example_of_the_design_is_read(tmp_path):
    file = toml(
        tmp_path,
        '[task]\nname = "mackey-glass"\nhorizon = 3\n[network]\nhidden = [9, 4]\nneuron = "relu"\n[rule]\nname = "danp"\nlr = 0.01\n'
        '[chip]\nname = "digital-8bit"\n[chip.cell]\nbits = 6\n[chip.noise]\nkind = "bernoulli"\n[train]\nepochs = 6\nseed = 7\n',
    )
    e = config.plan(config.assemble(file, SMALL[:2])).experiment
    assert (e.task.horizon, e.network.layers, type(e.network.neuron).__name__, e.rule.lr) == (3, (9, 4), "ReLU", 0.01)
    assert (e.chip.name, e.chip.cell.bits, type(e.chip.noise).__name__) == ("digital-8bit", 6, "Bernoulli")
    assert (e.settings.epochs, e.settings.seed) == (6, 7)


def test_the_command_line_wins_over_the_file_and_the_file_over_the_showcase(tmp_path):
    file = toml(tmp_path, '[chip]\nname = "ideal"\n[train]\nepochs = 3\nbatch = 2\n')
    table = config.assemble(file, [("--epochs", "train.epochs", 9)])
    assert (table["train"], table["chip"], table["task"]) == ({"epochs": 9, "batch": 2}, {"name": "ideal"}, config.SHOWCASE["task"])


@pytest.mark.parametrize(
    ("low", "high", "laid"),
    [
        ({"name": "np", "lr": 1.0}, {"name": "np", "readout_lr": 2.0}, {"name": "np", "lr": 1.0, "readout_lr": 2.0}),
        ({"name": "np", "lr": 1.0}, {"name": "wp"}, {"name": "wp"}),
        ({"cell": {"kind": "ideal"}}, {"cell": {"kind": "analog", "spread": 0.1}}, {"cell": {"kind": "analog", "spread": 0.1}}),
        ({"cell": {"kind": "analog", "spread": 0.1}}, {"cell": {"spread": 0.2}}, {"cell": {"kind": "analog", "spread": 0.2}}),
        ({"neuron": "leaky"}, {"neuron": {"rate": 0.3}}, {"neuron": {"kind": "leaky", "rate": 0.3}}),
    ],
)
def test_naming_another_part_starts_from_its_own_defaults(low, high, laid):
    assert config.over(low, high) == laid


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6", 6), ("0.5", 0.5), ("true", True), ('"6"', "6"), ("weather.csv", "weather.csv"), ("[1, 2]", [1, 2]), ("", ""), ("a=b", "a=b"),
        ("2020-01-01", "2020-01-01"), ('{kind = "leaky"}', {"kind": "leaky"}), ("1\nother = 2", "1\nother = 2"), ("0.8,0.1,0.1", "0.8,0.1,0.1"),
    ],
)  # fmt: skip
def test_a_value_is_toml_if_it_reads_as_that_and_text_otherwise(text, value):
    assert config.assignment(f"part.field={text}")[1:] == ("part.field", value)


@pytest.mark.parametrize("text", ["rule.lr", "lr=1", "=1", "rule.=1", ".lr=1", "rule..lr=1"])
def test_an_assignment_without_part_and_field_is_refused(text):
    with pytest.raises(InputError, match=r"part\.field=value"):
        config.assignment(text)


def test_any_depth_can_be_set():
    e = plan(
        ("--chip", "chip.name", "digital-8bit"),
        config.assignment("chip.cell.bits=6"),
        config.assignment("network.neuron={kind='leaky', rate=0.3}"),
    )
    assert (e.experiment.chip.cell.bits, e.experiment.network.neuron.rate) == (6, 0.3)


@pytest.mark.parametrize("second", ["chip.name=digital-8bit", "chip.name.x=1"])
def test_one_field_is_given_once(second):
    with pytest.raises(InputError, match="same field"):
        config.assemble(None, [("--chip", "chip.name", "ideal"), config.assignment(second)])
    config.assemble(None, [("--chip", "chip.name", "ideal"), config.assignment("chip.name=ideal")])


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("task.name", "mackey-glas", 'did you mean "mackey-glass"'),
        ("task.name", "arrays", "Known"),
        ("task.horizn", 3, 'did you mean "horizon"'),
        ("task.horizon", 0, "at least 1"),
        ("task.horizon", "3", "whole number"),
        ("rule.name", "dampp", 'did you mean "danp"'),
        ("rule.name", 3, "Known"),
        ("rule.lrr", 0.1, 'did you mean "lr"'),
        ("rule.lr", -1.0, "at least 0"),
        ("rule.lr", float("nan"), "at least 0"),
        ("rule.method", "np", "rule.name"),
        ("chip.name", "idea", 'did you mean "ideal"'),
        ("chip.name", "no_such_file.toml", "no chip file"),
        ("chip.cel", {"bits": 3}, 'did you mean "cell"'),
        ("chip.cell.bitss", 3, "Known"),
        ("chip.cell.kind", "idea", 'did you mean "ideal"'),
        ("network.hidden", 0, "at least 1"),
        ("network.hidden", [8, -1], "at least 1"),
        ("network.hidden", "many", "at least 1"),
        ("network.hidden", [], "at least 1"),
        ("network.hidden", True, "at least 1"),
        ("network.inputs", 2, "follows from the task"),
        ("network.neuron", "leakey", 'did you mean "leaky"'),
        ("network.neuron", {"kind": "leaky", "rate": 2}, "network.neuron.rate"),
        ("network.init", 3, "folder"),
        ("train.epoch", 3, 'did you mean "epochs"'),
        ("train.epochs", 0, "at least 1"),
        ("train.seed", -1, "from 0"),
        ("train.dtype", "float16", "float32"),
        ("trian.epochs", 3, 'did you mean "train"'),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(path, value, says):
    with pytest.raises(InputError) as error:
        config.plan(config.assemble(None, [("--set", path, value)]))
    assert says in str(error.value)
    assert len(str(error.value)) < 400 and "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "kind"), [("digits", "task"), ("danp", "rule"), ("pcm", "chip")])
def test_a_name_in_place_of_a_file_is_told_its_flag(name, kind):
    with pytest.raises(InputError, match=f"{name} is a {kind} and no file: say --{kind} {name}"):
        config.assemble(name)


def test_a_malformed_file_is_named_with_its_line(tmp_path):
    with pytest.raises(InputError, match=r"experiment\.toml.*line 2"):
        config.assemble(toml(tmp_path, "[task]\nname = \n"))
    with pytest.raises(InputError, match="cannot be read"):
        config.assemble(str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match="must be a table"):
        config.assemble(toml(tmp_path, "task = 3\n"))


def round_trip(experiment):
    return config.plan(tomllib.loads(config.to_toml(experiment))).experiment


@pytest.mark.parametrize("rule", [*DEFAULTS, "bptt", "tbptt"])
@pytest.mark.parametrize("chip", ["ideal", "analog-noisy", "digital-8bit"])
def test_toml_repeats_every_rule_on_every_chip(rule, chip):
    e = plan(("--rule", "rule.name", rule), ("--chip", "chip.name", chip)).experiment
    assert round_trip(e) == e


@given(
    lr=st.floats(0, 1e3),
    hidden=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    seed=st.integers(0, 2**63 - 1),
    rate=st.floats(0.01, 1),
    cell=st.sampled_from(sorted(ALL_CELLS)),
    headroom=st.integers(1, 8),
)
def test_toml_repeats_any_numbers(lr, hidden, seed, rate, cell, headroom):
    said = {"rule.lr": lr, "network.hidden": hidden, "train.seed": seed, "network.neuron": {"kind": "leaky", "rate": rate}}
    said |= {"chip.cell.kind": cell, "chip.headroom": headroom}
    e = config.plan(config.assemble(None, [*SMALL[:2], *(("--set", path, value) for path, value in said.items())])).experiment
    assert (e.rule.lr, e.network.layers, e.settings.seed) == (lr, tuple(hidden), seed)
    assert round_trip(e) == e


def test_a_chip_of_ones_own_needs_its_file_only_once(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('summary = "Mine."\n[cell]\nkind = "fixed-point"\nbits = 5\n')
    e = plan(("--chip", "chip.name", str(file))).experiment
    file.unlink()
    assert e.chip.name == "mine" and round_trip(e) == e


def test_a_rule_of_ones_own_is_kept_by_name_and_digest(tmp_path, own_rule):
    file = tmp_path / "mine.py"
    file.write_text(own_rule)
    e = plan(("--rule", "rule.name", f"{file}:Mine"), ("--set", "rule.lr", 0.5)).experiment
    assert e.rule.lr == 0.5 and round_trip(e) == e
    table = tomllib.loads(config.to_toml(e))
    assert len(table["rule"]["sha256"]) == 64
    file.write_text(own_rule + "# changed\n")
    with pytest.raises(InputError, match="has changed"):
        config.plan(table)


@pytest.mark.parametrize(
    ("name", "says"),
    [("none.py:Mine", "no file"), ("mine.py:Min", 'did you mean "Mine"'), ("bad.py:Mine", "NameError"), ("mine.py:NamedTuple", "no class")],
)
def test_a_class_that_cannot_be_had_is_named(tmp_path, name, says, own_rule):
    (tmp_path / "mine.py").write_text(own_rule)
    (tmp_path / "bad.py").write_text("x = y\n")
    with pytest.raises(InputError, match=says):
        own.import_class(str(tmp_path / name))
