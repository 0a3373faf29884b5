"""The command line as a person meets it: what is printed where, exit codes, and what is written."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import hw_models
from neurosim import Network, Simulator
from neurosim.cli import app
from neurosim.cost import PROJECTION
from neurosim.runs import Folder, load

SMALL = ["--chip", "ideal", "--hidden", "8", "--epochs", "2", "--set", "task.steps=60", "--set", "task.validation_steps=40"]
SMALL += ["--set", "rule.readout_lr=0.005"]
QUICK = [*SMALL, "--set", "train.baselines=false"]
TIMES = {"wall_s", "steps_per_s", "out"}
KEYS = {
    "task", "rule", "chip", "seed", "hidden", "epochs", "steps", "train_loss", "validation_loss", "test_loss", "final_test_loss",
    "test_loss_at_best", "baselines", "diverged", "swallowed_updates", "wall_s", "steps_per_s", "equality", "cost", "memory_bits",
    "neurobench",
}  # fmt: skip

OTHERS = """

class Peeks(Mine):
    pass


class Empty(NamedTuple):
    x: float = 1.0
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Every test works in an empty folder of its own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def beside(tmp_path):
    """A place for files that a test gives, so that the working folder shows what was written."""
    return tmp_path


def neurosim(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def train(*args):
    done = neurosim("train", *QUICK, *args)
    assert done.exit_code == 0, done.output
    return done


def refused(done, *says):
    """Exit code 2, nothing on standard output, one sentence without a traceback."""
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert all(word in done.stderr for word in says), done.stderr
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1
    return done


def test_json_is_one_object_with_every_key_of_the_design(folder):
    done = neurosim("train", *SMALL, "--json")
    assert done.exit_code == 0 and done.stderr == ""
    found = json.loads(done.stdout)
    assert set(found) >= KEYS
    assert found["neurobench"]["ParameterCount"] == 8 + 64 + 8
    assert (found["task"], found["rule"], found["chip"], found["hidden"], found["epochs"]) == ("mackey-glass", "danp", "ideal", [8], 2)
    assert set(found["baselines"]) >= {"persistence", "mean", "linear", "reservoir", "readout-only"}
    assert found["out"] == "runs/mackey-glass-danp-ideal-42"
    written = json.loads((folder / found["out"] / "summary.json").read_text())
    assert written == {key: value for key, value in found.items() if key != "out"}


def test_what_saturated_is_a_warning_and_stays_in_the_folder(uncompiled, folder):
    narrow = ["--rule", "anp", "--set", "chip.dac.kind=quantiser", "--set", "chip.dac.limit=0.01"]
    done = neurosim("train", *QUICK, *narrow, "--json", "--out", "narrow")
    assert done.exit_code == 0 and done.stderr.startswith("neurosim: chip.dac saturated while learning (")
    share = json.loads(done.stdout)["saturation"]["dac"]["input to hidden"]
    clipped, of = load("narrow").progress["saturation"]["dac"]["input to hidden"]
    assert of == 2 * 60 * 2 and share == clipped / of > 0.5  # epochs, steps, passes


def test_equal_seeds_give_equal_json_in_folders_of_their_own():
    found = [json.loads(train("--json", "--seed", seed).stdout) for seed in (1, 1, 2)]
    a, b, c = ({key: value for key, value in one.items() if key not in TIMES} for one in found)
    assert a == b and a["train_loss"] != c["train_loss"]
    assert [one["out"] for one in found] == [f"runs/mackey-glass-danp-ideal-{end}" for end in ("1", "1-2", "2")]


def test_experiment_toml_repeats_the_run():
    first = json.loads(train("--json", "--out", "first", "--seed", 9, "--dtype", "float32", "--batch", 2).stdout)
    again = json.loads(neurosim("train", "first/experiment.toml", "--json").stdout)
    assert again["train_loss"] == first["train_loss"] and again["hidden"] == first["hidden"]


def test_people_see_a_table_and_where_the_files_are(folder):
    done = neurosim("train", *SMALL, "--out", "mine")
    assert done.exit_code == 0 and done.stderr == ""
    for word in ("this run, on ideal", "persistence", "readout-only", "nothing changes", "squared units", "mine"):
        assert word in done.stdout
    assert "\x1b" not in done.stdout
    assert {path.name for path in (folder / "mine").iterdir()} == {
        "experiment.toml", "metrics.csv", "summary.json", "learning_curve.png", "checkpoint",
    }  # fmt: skip


def test_another_chip_can_be_shown_beside_it():
    done = train("--compare", "ideal", "--json")
    found = json.loads(done.stdout)
    assert found["compared"]["chip"] == "ideal" and found["compared"]["test_loss"] == found["test_loss"]


def test_a_diverged_run_says_so_with_exit_code_1(folder):
    wild = {"rule.readout_lr=0.005": "rule.readout_lr=1e12", "train.baselines=false": "train.baselines=true"}
    done = neurosim("train", *[wild.get(arg, arg) for arg in QUICK], "--out", "wild", "--json")
    assert done.exit_code == 1 and "diverged" in done.stderr and "rule.readout_lr" in done.stderr
    found = json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert found["diverged"] is True and found["final_test_loss"] is None
    assert load(folder / "wild").progress["epochs"] == []
    assert (folder / "wild" / "summary.json").is_file() and (folder / "wild" / "learning_curve.png").is_file()
    said = neurosim("evaluate", "wild").stdout
    assert "readout-only diverged" in said and "The run diverged in epoch 1" in said and "the untrained state is kept" in said


def test_resume_ends_where_an_uninterrupted_run_ends(folder, monkeypatch):
    train("--out", "whole", "--set", "train.anneal=1.0")
    from neurosim import runs

    def killed(self, run, whole=runs.Folder.epoch):
        whole(self, run)
        if len(run.epochs) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(runs.Folder, "epoch", killed)
    stopped = neurosim("train", *QUICK, "--set", "train.anneal=1.0", "--out", "half")
    assert stopped.exit_code == 1 and "--resume --out half" in stopped.stderr
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    done = neurosim("train", "--resume", "--out", "half", "--json")
    assert done.exit_code == 0
    assert (folder / "half" / "metrics.csv").read_bytes() == (folder / "whole" / "metrics.csv").read_bytes()
    one, other = (load(folder / name) for name in ("half", "whole"))
    assert all((one.state[name] == other.state[name]).all() for name in other.state)


def test_resume_needs_a_run_and_agrees_with_it(folder):
    refused(neurosim("train", "--resume"), "--out")
    refused(neurosim("train", "--resume", "--out", "none"), "no folder")
    train("--out", "mine")
    refused(neurosim("train", "--resume", "--out", "mine", "--epochs", 9), "train.epochs was 2")
    refused(neurosim("train", *QUICK, "--out", "mine"), "not empty", "--resume")


def test_a_run_in_an_environment_is_tested_saved_and_resumed_like_any_other(uncompiled, monkeypatch):
    pole = ["--task", "gym:CartPole-v1", "--rule", "np", "--chip", "ideal", "--hidden", "6", "--batch", "2", "--set", "rule.passes=noisy"]
    pole += ["--set", "rule.trace=0.9", "--set", "task.episodes=4", "--set", "task.tests=3", "--set", "task.longest=30", "--json"]
    done = neurosim("train", *pole, "--epochs", "2")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["task"], found["out"]) == ("gym:CartPole-v1", "runs/gym-CartPole-v1-np-ideal-42") and found.keys() >= KEYS
    assert (
        set(found["baselines"]) == {"random", "untrained", "readout-only"} and found["loss_unit"] == "minus the mean return of an episode"
    )
    assert all(-30 <= loss <= -8 for loss in [*found["train_loss"], *found["test_loss"], found["baselines"]["random"]["test"]])
    assert 2 * 2 * 8 <= found["steps"] <= 2 * 2 * 30 and found["cost"]["account"]["steps"] == found["steps"]
    tested = json.loads(neurosim("evaluate", found["out"], "--json").stdout)
    assert tested["test_loss"] == [found["final_test_loss"]]

    original = Folder.epoch

    def stopped(self, run):
        original(self, run)
        if len(run.epochs) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "epoch", stopped)
        assert neurosim("train", *pole, "--epochs", "2", "--out", "halved").exit_code == 1
    again = json.loads(neurosim("train", "--resume", "--out", "halved", "--json").stdout)
    assert {name: value for name, value in again.items() if name not in TIMES} == {n: v for n, v in found.items() if n not in TIMES}
    refused(neurosim("train", *pole[:3], "anp"), "cannot be cloned", "rule.passes")
    refused(neurosim("cost", "--task", "gym:CartPole-v1"), "shows only when it is run")


def test_training_starts_from_the_weights_of_a_run():
    first = json.loads(train("--json", "--out", "first", "--epochs", 2).stdout)
    still = ["--set", "rule.lr=0", "--rule", "anp"]
    arguments = [arg.replace("rule.readout_lr=0.005", "rule.readout_lr=0") for arg in QUICK]
    second = json.loads(neurosim("train", *arguments, *still, "--init", "first", "--out", "second", "--json").stdout)
    assert second["test_loss"][0] == pytest.approx(first["final_test_loss"], rel=1e-3)
    assert load("second").table["network"]["init"] == "first" and load("second").initial is not None
    refused(neurosim("train", *QUICK[:2], "--hidden", 9, *QUICK[4:], "--init", "first"), "shapes")
    refused(neurosim("train", *QUICK, "--init", "none"), "no folder")


def test_evaluate_on_its_own_devices_and_on_drawn_ones():
    found = json.loads(train("--json", "--out", "mine").stdout)
    own = json.loads(neurosim("evaluate", "mine", "--json").stdout)
    assert own["test_loss"] == [found["final_test_loss"]] and own["programmed"] is False
    drawn = json.loads(neurosim("evaluate", "mine", "--repeat", 3, "--chip", "ideal", "--json").stdout)
    assert len(drawn["test_loss"]) == 3 and drawn["mean"] == pytest.approx(found["final_test_loss"], rel=1e-4)
    assert {"mean", "std", "min", "max", "chip", "loss_unit", "final_test_loss"} <= set(drawn)
    said = neurosim("evaluate", "mine", "--repeat", 2)
    assert said.exit_code == 0 and "±" in said.stdout
    later = json.loads(neurosim("evaluate", "mine", "--repeat", 2, "--at", "1d,1h", "--json").stdout)
    assert [row["after"] for row in later["at"]] == ["1h", "1d"]
    for row in later["at"]:  # memory that keeps its numbers
        assert row["test_loss"] == later["test_loss"] and row["compensated"]["test_loss"] == pytest.approx(later["test_loss"], rel=1e-5)
    assert "with global drift compensation" in neurosim("evaluate", "mine", "--at", "1h").stdout
    refused(neurosim("evaluate", "mine", "--at", "soon"), "1h,1d,30d")
    refused(neurosim("evaluate", "mine", "--chip", "idea"), 'did you mean "ideal"')
    refused(neurosim("evaluate", "none"), "no folder")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--task", "mackey-glas"], 'did you mean "mackey-glass"'),
        (["--rule", "dampp"], 'did you mean "danp"'),
        (["--chip", "analog-nosy"], 'did you mean "analog-noisy"'),
        (["--chip", "none.toml"], "no chip file"),
        (["--set", "task.horizn=3"], 'did you mean "horizon"'),
        (["--set", "rule.lrr=3"], 'did you mean "lr"'),
        (["--set", "train.epoch=3"], 'did you mean "epochs"'),
        (["--set", "tusk.steps=3"], 'did you mean "task"'),
        (["--set", "rule.lr"], "part.field=value"),
        (["--set", "rule.lr=fast"], "rule.lr must be a number"),
        (["--chip", "digital-8bit", "--set", "chip.cell.bits=0"], "chip.cell.bits"),
        (["--set", "chip.noise.sigma=-0.1"], "chip.noise.sigma"),
        (["--hidden", "0"], "network.hidden"),
        (["--hidden", "many"], "network.hidden"),
        (["--hidden", "8,"], "network.hidden"),
        (["--epochs", "0"], "train.epochs"),
        (["--batch", "0"], "train.batch"),
        (["--batch", "100000"], "batch"),
        (["--seed", "-1"], "train.seed"),
        (["--dtype", "float16"], "float32"),
        (["--chip", "ideal", "--set", "chip.name=digital-8bit"], "same field"),
        (["--rule", "none.py:Mine"], "no file none.py"),
        (["--compare", "idea"], 'did you mean "ideal"'),
        (["--rule", "bptt", "--chip", "analog-noisy"], "ideal"),
        (["--rule", "bptt", "--chip", "ideal", "--compare", "analog-noisy", "--set", "task.steps=60"], "ideal"),
        (["--task", "forecast-csv"], "task.csv must be given"),
        (["none.toml"], "cannot be read"),
    ],
)
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_wrong_input_is_one_sentence_and_nothing_is_written(folder, args, says, as_json):
    refused(neurosim("train", *args, *as_json), says)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("rows", "more", "says"),
    [
        (["1,2", "3,"], [], "no value in line 3"),
        (["1,2", "3,inf"], [], "infinite in line 3"),
        (["1,2", "3,many"], [], "text"),
        (["1,2,3"], [], "more values"),
        ([], [], "no rows"),
        ([f"{n},{n % 7}" for n in range(20)], ["--set", "task.horizon=50"], "shorter horizon"),
        ([f"{n},{n % 7}" for n in range(20)], ["--set", "task.target=c"], "not a column"),
    ],
)
def test_wrong_data_are_one_sentence_and_nothing_is_written(folder, beside, rows, more, says):
    (beside / "data.csv").write_text("\n".join(["a,b", *rows]) + "\n")
    target = [] if "task.target=c" in more else ["--set", "task.target=b"]
    refused(neurosim("train", "--task", "forecast-csv", "--set", f"task.csv={beside / 'data.csv'}", *target, *more), says)
    assert not list(folder.iterdir())


def test_a_malformed_file_is_named_with_its_line(folder, beside):
    (beside / "bad.toml").write_text('[task]\nname = "mackey-glass"\n[rule\n')
    refused(neurosim("train", beside / "bad.toml"), "bad.toml", "line 3")
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "args", [["trian"], ["train", "--chp", "ideal"], ["train", "--epochs", "many"], ["evaluate"], ["evaluate", "x", "--repeat", "0"]]
)
def test_wrong_usage_is_exit_code_2(folder, args):
    done = neurosim(*args)
    assert done.exit_code == 2 and done.stdout == "" and "Traceback" not in done.stderr
    assert not list(folder.iterdir())
    if "--chp" in args:
        assert "--chip" in done.stderr


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("tasks", ["mackey-glass", "copy-memory", "forecast-csv"]),
        ("rules", ["wp", "danp", "tbptt", "decorrelated", "Not local"]),
        ("chips", ["ideal", "analog-noisy", "digital-8bit"]),
        ("cells", ["fixed-point", "analog"]),
        ("neurons", ["tanh", "leaky"]),
    ],
)
def test_what_there_is_is_listed_with_a_sentence_each(what, names):
    done = neurosim("list", what)
    assert done.exit_code == 0 and all(name in done.stdout for name in names)
    assert all(len(line.split()) > 2 for line in done.stdout.splitlines()[1:])


def test_a_rule_of_ones_own_is_shown(beside):
    (beside / "mine.py").write_text(
        "from hw_models import Nothing\nfrom typing import NamedTuple\n\n\nclass Mine(NamedTuple):\n"
        '    """Does nothing at a rate. Ever.\n\n    Parameters\n    ----------\n    lr : float\n        Rate of nothing.\n    """\n\n    lr: float = 0.25\n\n'
        "    def change(self, w, r, pre, a, reward):\n        return 0.0\n"
    )
    done = neurosim("show", "rule", f"{beside / 'mine.py'}:Mine")
    assert done.exit_code == 0 and "Does nothing at a rate." in done.stdout
    assert re.search(r"rule\.lr +0\.25 +a finite number +Rate of nothing\.", done.stdout)
    (beside / "other.py").write_text("class Other:\n    pass\n")
    refused(
        neurosim("show", "rule", f"{beside / 'other.py'}:Other"), "is no rule: a NamedTuple with the methods of neurosim.protocols.Rule"
    )


def test_a_chip_is_shown_with_units_and_meanings(beside):
    done = neurosim("show", "chip", "digital-8bit")
    assert done.exit_code == 0
    for words in ("chip.cell.bits", "bit", "chip.noise.kind", "bernoulli", "chip.step_s", "Simulated time a step takes."):
        assert words in done.stdout
    (beside / "mine.toml").write_text('summary = "Mine."\n')
    assert "mine: Mine." in neurosim("show", "chip", beside / "mine.toml").stdout
    (beside / "cited.toml").write_text(
        'summary = "Cited."\n[sources]\n"cell.bits" = "A manual, page 3 (MEMORY)"\n[cell]\nkind = "fixed-point"\n'
    )
    assert "A manual, page 3 (MEMORY)" in neurosim("show", "chip", beside / "cited.toml").stdout
    prices = neurosim("show", "chip", "loihi").stdout
    assert re.search(r"energy.mac +23.6 \(23.6 to 35.5\) +pJ +incremental +14 nm 0.75 V +simulated: Davies et al. 2018", prices)
    assert "capacity.cores" in prices and PROJECTION in prices
    found = json.loads(neurosim("show", "chip", "loihi", "--json").stdout)
    assert found["price_list"] == "loihi" and found["caveats"] == [PROJECTION]
    assert {"price": "energy.weight_write", "value": "120"}.items() <= {p["price"]: p for p in found["prices"]}[
        "energy.weight_write"
    ].items()
    two = neurosim("show", "chip", "digital-8bit", "ideal").stdout
    assert "chip.cell.bits" in two and "fixed-point" in two and "chip.step_s" not in two
    refused(neurosim("show", "chip", "digital-8bits"), 'did you mean "digital-8bit"')
    refused(neurosim("show", "gadget", "x"), "There is no gadget to show", "Known: chip, prices, rule, network, train, task")
    assert (
        neurosim("show", "prices", "loihi").stdout.startswith("loihi: Loihi 1")
        and "energy.mac" in neurosim("show", "prices", "loihi").stdout
    )
    refused(neurosim("show", "prices", "loihii"), 'did you mean "loihi"')
    refused(neurosim("show", "prices"), "takes the name of one; Known: digital-45nm")


def test_the_options_of_everything_else_are_shown_as_they_are_typed():
    """With the defaults of the name that is asked for, and in words what is allowed."""
    rows = {row["option"]: row for row in json.loads(neurosim("show", "rule", "dnp", "--json").stdout)}
    assert rows["rule.readout_lr"]["default"] == "0.01" and rows["rule.lr"]["allowed"] == "a number at least 0"
    assert "rule.method" not in rows and "Rate at which the matrix D learns" in rows["rule.decorrelation_lr"]["meaning"]
    rows = {row["option"]: row for row in json.loads(neurosim("show", "task", "forecast-csv", "--json").stdout)}
    assert rows["task.csv"]["default"] == "must be given" and rows["task.drop"]["allowed"] == "a list"
    assert "network.neuron.tau_mem" in neurosim("show", "neuron", "lif").stdout and "train.anneal" in neurosim("show", "train").stdout
    for kind, name in (("cell", "pcm"), ("tile", "crossbar"), ("converter", "quantiser"), ("circuit", "analog"), ("noise", "telegraph")):
        assert name in neurosim("list", f"{kind}s").stdout and neurosim("show", kind, name).exit_code == 0
    refused(neurosim("show", "rule", "anpp"), 'got "anpp"', 'did you mean "anp"')
    refused(neurosim("show", "rule"), "takes the name of one")
    refused(neurosim("show", "chip"), "takes the name of one")
    refused(neurosim("show", "rule", "anp", "np"), "leave out np")
    refused(neurosim("show", "train", "np"), "takes no name")
    assert "network.readout_gain" in neurosim("show", "network").stdout
    assert neurosim("--version").stdout.startswith("neurosim 0.")
    refused(neurosim("list", "chip"), 'did you mean "chips"')


def test_a_rule_of_ones_own_is_checked(beside, own_rule):
    (beside / "mine.py").write_text(own_rule + OTHERS)
    done = neurosim("check", f"{beside / 'mine.py'}:Mine")
    assert done.exit_code == 0 and done.stdout.startswith("Mine is local.\n")
    refused(neurosim("check", f"{beside / 'mine.py'}:Empty"), "no method")
    refused(neurosim("check", f"{beside / 'mine.py'}:Min"), 'did you mean "Mine"')
    refused(neurosim("check", "mine"), "file.py:Class")


def test_the_reference_gradient_fails_the_check_and_the_message_is_worth_reading():
    done = neurosim("check", "bptt")
    assert done.exit_code == 1 and done.stdout.startswith("bptt is not local: no synapse can compute its update from what reaches it.\n")
    for words in ("error  ", "transpose  ", "history  ", "bptt.py:", "same activity, same loss", "Rules that learn from that alone"):
        assert words in done.stdout
    refused(neurosim("check", "bppt"), 'did you mean "bptt"')


def test_a_rule_is_checked_with_the_options_of_an_experiment(beside):
    (beside / "e.toml").write_text('[rule]\nname = "np"\nperturb = "hidden"\nnorm = "bounded"\n')
    done = neurosim("check", str(beside / "e.toml"))
    assert done.exit_code == 0 and done.stdout.startswith("np is local.\n") and "readout signal" in done.stdout
    assert "nothing in every hidden neuron, 16 bit (v 16) in every one of the readout" in done.stdout
    done = neurosim("check", str(beside / "e.toml"), "--set", "rule.norm=layer")
    assert done.exit_code == 0 and "layer_energy: a sum over every neuron of the layer (activity_perturbation.py:" in done.stdout
    assert neurosim("check", "np", "--set", "rule.perturb=hidden", "--set", "rule.norm=layer").stdout == done.stdout
    refused(neurosim("check", "np", "--set", "chip.name=ideal"), "chip.name is no option of a rule")
    refused(neurosim("check", "np", "--set", "rule.nrm=layer"), 'did you mean "norm"')


def test_a_chip_and_a_price_list_in_files_are_checked(beside):
    (beside / "mine.toml").write_text('extends = "digital-8bit"\n[memory]\nkind = "limited"\nsynapse_bits = 0\nneuron_bits = 64\n')
    done = neurosim("check", str(beside / "mine.toml"))
    assert done.exit_code == 0 and "mine.toml is a chip.\n" in done.stdout and "  fits      wp, np, anp" in done.stdout
    assert re.search(r"does not  oua[^:]*: .*bits in every synapse", done.stdout)
    (beside / "mine.toml").write_text('extends = "digital-8bit"\n[cell]\nbit = 3\n')
    refused(neurosim("check", str(beside / "mine.toml")), 'did you mean "bits"')
    (beside / "prices.toml").write_text('extends = "loihi"\nclock_hz = 1e6\n')
    done = neurosim("check", str(beside / "prices.toml"))
    assert done.exit_code == 0 and "prices.toml is a price list.\n  energy    mac" in done.stdout and "--prices" in done.stdout
    (beside / "prices.toml").write_text('extends = "loihi"\n[energy]\nmac = 3\n')
    refused(neurosim("check", str(beside / "prices.toml")), "energy.mac must be a table")
    (beside / "prices.toml").write_text('extends = "digital-45nm"\n')
    assert "is a price list" in neurosim("check", str(beside / "prices.toml")).stdout
    (beside / "e.toml").write_text('[rul]\nname = "np"\n')
    refused(neurosim("check", str(beside / "e.toml")), 'did you mean "rule"')


CELL = """from typing import Annotated, NamedTuple
from hw_models import Bits, Range


class Charge(NamedTuple):
    w: Annotated[float, Bits(0)]


class Leaky(NamedTuple):
    keep: Annotated[float, Range("share", 0.0, 1.0)] = 0.9
    State, draws, bounded, ages, swallows, stored_bits = Charge, {}, True, False, False, 0
    make = lambda self, u: Charge(0.0)
    program = lambda self, s, w, now, u: Charge(min(max(w, -1.0), 1.0))
    write = lambda self, s, dw, now, u: (Charge(min(max(s.w + self.keep * dw, -1.0), 1.0)), 1.0)
    read = lambda self, s, u: s.w
"""


@pytest.mark.slow  # a user's own cell is compiled in every process
def test_a_cell_of_ones_own_is_trained_on_and_is_not_imported_unasked(folder, beside):
    (beside / "mine.py").write_text(CELL)
    kind = f"chip.cell.kind={beside / 'mine.py'}:Leaky"
    assert "keeps the contract of a cell" in neurosim("check", kind.partition("=")[2]).stdout
    found = json.loads(train("--json", "--set", kind, "--set", "chip.cell.keep=0.5").stdout)
    assert found["epochs"] == 2 and not found["diverged"]
    refused(neurosim("evaluate", found["out"]), "not imported unasked", kind)
    again = json.loads(neurosim("evaluate", found["out"], "--set", kind, "--json").stdout)
    assert again["test_loss"] == [found["final_test_loss"]]
    refused(neurosim("train", *QUICK, "--set", kind, "--set", "chip.cell.keep=2"), "chip.cell.keep", "share")
    (beside / "mine.py").write_text(CELL + "# changed\n")
    refused(neurosim("evaluate", found["out"], "--set", kind), "has changed")
    (beside / "mine.py").write_text(CELL.replace("w + self.keep * dw", "w - self.keep * dw"))
    refused(neurosim("check", kind.partition("=")[2]), "Leaky.write", "was asked for a change")


def test_a_rule_of_ones_own_learns_and_is_not_imported_unasked(uncompiled, folder, beside, own_rule):
    (beside / "mine.py").write_text(own_rule + OTHERS)
    name = f"{beside / 'mine.py'}:Mine"
    arguments = [arg.replace("rule.readout_lr=0.005", "rule.lr=1e-6") for arg in QUICK]
    found = json.loads(neurosim("train", *arguments, "--rule", name, "--json").stdout)
    assert found["rule"] == "Mine" and found["epochs"] == 2
    assert (folder / found["out"] / "rule.py").read_text() == own_rule + OTHERS
    refused(neurosim("evaluate", found["out"]), "not imported unasked", name)
    own = json.loads(neurosim("evaluate", found["out"], "--rule", name, "--json").stdout)
    assert own["test_loss"] == [found["final_test_loss"]]
    (beside / "mine.py").write_text(own_rule + OTHERS + "# changed\n")
    refused(neurosim("evaluate", found["out"], "--rule", name), "has changed")


def test_parts_of_ones_own_are_checked_as_what_they_are(beside):
    import inspect

    from hw_models.cells import ideal
    from hw_models.noise import Uniform
    from neurosim.neurons import Leaky

    for module, name, says in (
        (ideal, "Ideal", "cell"),
        (inspect.getmodule(Uniform), "Uniform", "noise source"),
        (inspect.getmodule(Leaky), "Leaky", "neuron"),
    ):
        (beside / "part.py").write_text(inspect.getsource(module))
        done = neurosim("check", f"{beside / 'part.py'}:{name}")
        assert done.exit_code == 0, done.output
        assert f"{name} keeps the contract of a {says}" in done.stdout


def test_help_needs_no_compiler_and_no_pandas():
    code = (
        "import sys, neurosim.cli; print([name for name in ('numba', 'numpy', 'pandas', 'matplotlib', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "evaluate" in neurosim("--help").stdout


PULSES = "pulse,direction,conductance\n0,up,1e-6\n1,up,2e-6\n2,up,3e-6\n3,up,4e-6\n4,down,3e-6\n5,down,2e-6\n6,down,1.01e-6\n7,up,2e-6\n"


def test_fit_leaves_a_chip_its_confidence_and_a_picture(beside, folder):
    (beside / "oxide.csv").write_text(PULSES)
    done = neurosim("fit", beside / "oxide.csv", "--cell", "constant-step")
    assert done.exit_code == 0, done.output
    assert all(word in done.stdout for word in ("standard error", "asymmetry", "One device", "--chip fits/oxide/oxide.toml"))
    assert {path.name for path in (folder / "fits" / "oxide").iterdir()} == {"oxide.toml", "oxide.png", "fit.json"}
    report = json.loads((folder / "fits" / "oxide" / "fit.json").read_text())
    assert report["kind"] == "constant-step" and report["full_scale"] == [1e-6, 4e-6] and report["points"] == 8
    assert report["estimates"]["step"]["value"] == pytest.approx(2 / 3, abs=0.01) and report["estimates"]["step"]["error"] > 0
    assert (folder / "fits" / "oxide" / "oxide.png").read_bytes().startswith(b"\x89PNG")
    shown = neurosim("show", "chip", "fits/oxide/oxide.toml").stdout
    assert "constant-step" in shown and "fitted to oxide.csv" in shown
    refused(neurosim("fit", beside / "oxide.csv"), "fits/oxide exists", "--out")


def test_fit_makes_a_chip_of_a_table_too(beside, folder):
    (beside / "states.csv").write_text("state,mean,std\n0,0,0.1\n10,9,0.2\n")
    done = neurosim("fit", beside / "states.csv", "--table", "--name", "mine", "--out", "there", "--json")
    assert done.exit_code == 0 and json.loads(done.stdout)["kind"] == "table"
    assert {path.name for path in (folder / "there").iterdir()} == {"mine.toml", "mine.png", "fit.json"}
    assert "table" in neurosim("show", "chip", "there/mine.toml").stdout


def test_fit_refuses_in_a_sentence_and_leaves_nothing(beside, folder):
    (beside / "bad.csv").write_text("pulse,way\n1,up\n")
    refused(neurosim("fit", beside / "bad.csv"), "has no column direction", "found: pulse, way")
    (beside / "oxide.csv").write_text(PULSES)
    refused(neurosim("fit", beside / "oxide.csv", "--full-scale", "small"), "--full-scale", "1e-6,25e-6")
    refused(neurosim("fit", beside / "oxide.csv", "--name", "a/b"), "--name")
    refused(neurosim("fit", beside / "oxide.csv", "--table", "--cell", "soft-bounds"), "--table")
    assert not list(folder.iterdir())


def test_a_fitted_chip_runs(beside):
    """As plain Python: compiling a step model takes half a minute, and every kind is compiled elsewhere."""
    (beside / "oxide.csv").write_text(PULSES)
    assert neurosim("fit", beside / "oxide.csv", "--cell", "constant-step", "--out", "o").exit_code == 0
    simulator = Simulator(Network(1, 2, 1), hw_models.load("o/oxide.toml"), seed=1, plain=True)
    assert np.isfinite(simulator.run(np.ones((3, 1, 1)), record=["y"])["y"]).all()
