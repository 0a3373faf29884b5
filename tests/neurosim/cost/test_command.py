"""``neurosim cost`` as a person meets it, and the page that shows it."""

import importlib.util
import json
import pathlib
import re
import shlex
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from hw_models.chip import load as load_chip
from hw_models.events import Event
from hw_models.prices import load
from neurosim.cli import app
from neurosim.cost import PROJECTION, Workload, estimate
from neurosim.cost.bill import quantity
from neurosim.network import Network
from neurosim.rules import ANP
from neurosim.screen import print_cost

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "cost.md"
QUICK = ["--hidden", "8", "--epochs", "2", "--set", "task.steps=60", "--set", "task.validation_steps=40"]


def cost(*args):
    return CliRunner().invoke(app, ["cost", *map(str, args)])


def test_rules_and_chips_side_by_side_as_json():
    done = cost(*QUICK, "--rule", "anp,bptt", "--chip", "loihi,pcm-hermes", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["estimates"]
    assert [(one["rule"], one["chip"]) for one in found] == [
        ("anp", "loihi"), ("anp", "pcm-hermes"), ("bptt", "loihi"), ("bptt", "pcm-hermes"),
    ]  # fmt: skip
    assert all((one["workload"]["steps"], one["epochs"]) == (60, 2) for one in found)
    assert all(set(one["energy_J"]) == {"low", "typical", "high"} for one in found)


def test_one_estimate_shows_every_line_with_its_source():
    done = cost(*QUICK, "--rule", "np", "--chip", "loihi")
    assert done.exit_code == 0, done.output
    assert "at least" in done.stdout and PROJECTION in done.stdout
    assert "120 pJ" not in done.stdout and "table 2: synaptic update" in done.stdout
    assert re.search(r"update +weight_write +9,600 expected \(0 to 9,600\)", done.stdout)  # 80 synapses, 60 steps, 2 epochs


def test_prices_moves_and_scale_can_be_chosen(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('summary = "mine"\n[energy.weight_write]\ntypical = 1\nunit = "nJ"\nhow = "measured"\nsource = "me"\nmark = "READ"\n')
    done = cost(*QUICK, "--rule", "np", "--chip", "loihi", "--prices", mine, "--moves", 0.25, "--scale", 3, "--json")
    (found,) = json.loads(done.stdout)["estimates"]
    assert found["energy_J"] == pytest.approx({"low": 0.0, "typical": 0.25 * 9600 * 3e-9, "high": 9600 * 3e-9})
    assert found["scaled_by"] == 3
    said = cost(*QUICK, "--rule", "np", "--chip", "loihi", "--prices", mine, "--scale", 3).stdout
    assert "Prices are scaled by 3, as asked for" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--chip", "loihi,lohi"], 'did you mean "loihi"'), (["--prices", "loihii"], 'did you mean "loihi"'), (["--scale", "0"], "above 0")],
)
def test_wrong_input_is_one_sentence(options, says):
    done = cost(*QUICK, *options)
    assert done.exit_code == 2 and done.stdout == "" and says in done.stderr and done.stderr.count("\n") == 1


def test_pictures_and_a_file_are_written(tmp_path):
    done = cost(*QUICK, "--rule", "anp", "--chip", "pcm-hermes,ideal", "--out", tmp_path / "there")
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "there").iterdir()} == {"cost.json", "by_phase.png", "by_event.png", "memory.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "there").glob("*.png"))


def test_train_says_a_cost_with_its_caveat(capsys):
    found = estimate(Network(1, 4, 1), load_chip("loihi"), ANP().learning(), Workload(5))
    print_cost(SimpleNamespace(estimate=lambda: found), "runs/mine")
    said = capsys.readouterr().out
    assert said.startswith("On loihi this training would take at least 520 uJ") and said.endswith(f"{PROJECTION}\n")


def test_a_run_is_billed_by_what_it_counted(tmp_path):
    (tmp_path / "chip.toml").write_text('extends = "digital-8bit"\n')
    run = tmp_path / "run"
    options = ["--rule", "np", "--chip", tmp_path / "chip.toml", *QUICK, "--set", "train.baselines=false", "--out", run]
    done = CliRunner().invoke(app, ["train", *map(str, options)])
    assert done.exit_code == 0, done.output
    assert f"No price list names chip; neurosim cost {run} --prices LIST bills what this run counted." in done.stdout
    summary = json.loads((run / "summary.json").read_text())["cost"]
    (found,) = json.loads(cost(run, "--json").stdout)["estimates"]
    assert found == summary and found["counted"] and found["energy_J"]["typical"] is None
    (priced,) = json.loads(cost(run, "--prices", "digital-45nm", "--json").stdout)["estimates"]
    assert priced["account"] == summary["account"] and priced["workload"]["moves"] == summary["workload"]["moves"] < 1
    said = cost(run, "--prices", "digital-45nm").stdout
    assert f"Training mackey-glass for 2 epochs, by what {run} counted:" in said and "expected" not in said and "--moves" not in said
    shares = [float(share) for share in re.findall(r" (\d+\.\d)%", said)]
    assert sum(shares) == pytest.approx(100, abs=0.05 * len(shares))
    for changed in (["--moves", 0.5], ["--chip", "digital-8bit"], ["--epochs", 3]):
        assert "estimated and not run" in cost(run, *changed).stdout


def test_a_run_that_diverged_is_billed_for_all_that_it_did(tmp_path):
    run, rates = tmp_path / "run", ["--set", "rule.lr=1e12", "--set", "rule.readout_lr=1e12"]
    options = ["--rule", "np", "--chip", "digital-8bit", *QUICK, *rates, "--set", "train.baselines=false", "--out", run]
    done = CliRunner().invoke(app, ["train", *map(str, options)])
    assert done.exit_code == 1 and "diverged in epoch 1" in done.stderr
    (found,) = json.loads(cost(run, "--json").stdout)["estimates"]
    assert found == json.loads((run / "summary.json").read_text())["cost"] and found["epochs"] == 0 and found["energy_J"]["typical"] > 0
    assert "for 0 epochs, by what" in cost(run).stdout


def test_what_a_pass_and_a_second_take():
    """Clean passes alone, of 2 epochs of 60 steps; power over the 0.12 s that these are."""
    done = cost(*QUICK, "--rule", "anp", "--chip", "loihi", "--json")
    (found,) = json.loads(done.stdout)["estimates"]
    clean, whole = found["by_phase"]["clean"]["incremental"]["typical"], found["energy_J"]["typical"]
    said = cost(*QUICK, "--rule", "anp", "--chip", "loihi").stdout
    assert re.search(rf"  one clean pass +at least {re.escape(quantity(clean / 120, 'J'))}\n", said)
    assert re.search(rf"  average power +at least {re.escape(quantity(whole / 0.12, 'W'))}\n", said)


def test_a_spiking_network_has_expected_items_with_bounds():
    """Six LIF neurons, 60 steps, 2 epochs, a fifth of them firing: each spike meets one readout weight at once, and six a step later."""
    spiking = ["--set", "network.neuron=lif", "--rate", 0.2, "--hidden", 6, "--epochs", 2, "--set", "task.steps=60"]
    done = cost("--rule", "np", "--chip", "loihi", *spiking, "--json")
    (found,) = json.loads(done.stdout)["estimates"]
    lines = {(line["phase"], line["event"]): line for line in found["by_event"]}
    most = 2 * (60 * 6 + 59 * 36)
    assert lines["perturbed", "ac"]["expected"] and lines["perturbed", "ac"]["count"] == {"low": 0, "typical": 0.2 * most, "high": most}
    inputs, spikes = 2 * 60, 2 * (60 + 59) * 6
    assert lines["clean", "spike"]["count"] == pytest.approx({"low": inputs, "typical": inputs + 0.2 * spikes, "high": inputs + spikes})
    assert found["energy_J"]["low"] < found["energy_J"]["typical"] < found["energy_J"]["high"]
    said = cost("--rule", "np", "--chip", "loihi", *spiking).stdout
    assert "a neuron is assumed to send 0.2 in a step (--rate); intervals reach from none to one in every step and pass" in said
    assert re.search(r"clean +ac +\d[\d,.e+]* expected \(0 to", said)


def test_the_page_shows_what_the_command_prints():
    blocks = re.findall(r"```\n\$ neurosim (cost .*?)\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert blocks
    for command, printed in blocks:
        done = CliRunner().invoke(app, shlex.split(command))
        assert done.stdout == printed, f"docs/cost.md no longer shows what neurosim {command} prints"


def test_the_page_shows_what_counting_took():
    spec = importlib.util.spec_from_file_location("counting", ROOT / "benchmarks" / "counting.py")
    assert spec is not None and spec.loader is not None
    counting = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(counting)
    page, results = PAGE.read_text("utf-8"), json.loads((PAGE.parent / "counting.json").read_text("utf-8"))
    assert counting.written(page, results) == page and counting.table(results) in page


def test_the_price_list_on_the_page_can_be_used(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    (tmp_path / "mine.toml").write_text(block)
    found = load(str(tmp_path / "mine.toml"))
    assert found.energy[Event.WEIGHT_WRITE].node_nm == 28 and found.energy[Event.MAC].node_nm == 45
