"""Energy and time against published figures, and what a bill may never do."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import prices
from hw_models.chip import Chip, catalogue, load
from hw_models.circuit import FixedPointCircuit
from hw_models.events import Event, Phase
from hw_models.parts import InputError
from neurosim.cost import PROJECTION, Ledger, Workload, count, energy, epoch_of, estimate, latency
from neurosim.cost.bill import quantity
from neurosim.files import as_json
from neurosim.network import Network
from neurosim.neurons import Leaky
from neurosim.rules import ANP, DANP, NP, WP, Gradient
from neurosim.tasks import MackeyGlass

NETWORK = Network(1, 20, 1)


def ledger(**events):
    made = Ledger()
    for name, n in events.items():
        made.add(Phase.IDLE if name in ("second", "cycle") else Phase.CLEAN, Event(name), n)
    return made


# ---------------------------------------------------------------- published figures


@pytest.mark.parametrize(("clock_hz", "rate", "watt"), [(75e6, 37.5e6, 477e-6), (1.3e6, 650e3, 35e-6)])
def test_odin_power(clock_hz, rate, watt):
    """Frenkel et al. 2019, doi:10.1109/TBCAS.2018.2880425: 477 uW at 75 MHz and 37.5 MSOP/s, 35 uW at 1.3 MHz and 650 kSOP/s."""
    bill = energy(ledger(second=1, cycle=clock_hz, mac=rate), prices.load("odin"), load("odin"))
    assert bill.total().typical == pytest.approx(watt, rel=4e-3)


def test_truenorth_power():
    """Akopyan et al. 2015: 70.6 mW at 20.07 Hz with 128 synapses a neuron, a point that the two prices were not made from."""
    bill = energy(ledger(second=1, mac=20.07 * 1_048_576 * 128), prices.load("truenorth"), Chip())
    assert bill.total().typical == pytest.approx(70.6e-3, rel=6e-3)


@pytest.mark.parametrize(("spikes", "joule", "above"), [(667, 1.448e-3, 0.089), (750, 1.599e-3, 0.202)])
def test_loihi_query(spikes, joule, above):
    """Frady et al. 2020, arXiv:2004.12691, table 2: the cores of 32 chips take 1.33 mJ for a query of 76 800 patterns, beside idle power.

    Its events follow from section 3, which we know from a second source that quotes it (READ2): 1000 components, of which the threshold
    removes a third to a quarter, so that 667 to 750 spikes reach all 76 800 neurons, which are updated in 60 steps. The simulated prices of
    Loihi, at the least that the source gives (a synaptic operation is stated as a minimum, and most neurons are inactive), come out 9 to
    20 % above the measurement.
    """
    bill = energy(ledger(mac=spikes * 76_800, nonlinearity=76_800 * 60), prices.load("loihi"), load("loihi"))
    assert bill.total().low == pytest.approx(joule, rel=1e-3)
    assert bill.total().low / 1.33e-3 - 1 == pytest.approx(above, abs=1e-3)
    assert bill.total().low < bill.total().typical < bill.total().high


def test_hermes_product_of_256_by_256():
    """Khaddam-Aljameh et al. 2022: 1.008 TOPS and 10.5 TOPS/W make 130 ns and 12.5 nJ of a product of 256 x 256."""
    chip, found = load("pcm-hermes"), prices.load("pcm-hermes")
    network = count(Network(256, 256, 1), chip, None, Workload(1))  # two such products, and one of 256 x 1
    assert energy(network, found, chip).total("average").typical / (2 + 1 / 256) == pytest.approx(12.5e-9, rel=2e-3)
    product = ledger(analog_read=256 * 256, adc=256, dac=256)
    bill = energy(product, found, chip)
    assert bill.total().typical == pytest.approx(12.5e-9, rel=2e-3) and not bill.unpriced  # converters are in it
    assert latency(product, found, chip, cores=1).total().typical == pytest.approx(130e-9, rel=1e-3)


def test_columns_share_a_converter():
    """ISAAC, 128 columns through one converter of 1.2 GS/s, after an array of 128 x 128 took eight bits: 800 ns + 128 / 1.2 ns."""
    bill = latency(ledger(analog_read=128 * 128, adc=128), prices.load("rram-isaac"), load("reram-es"), cores=1)
    assert bill.total(event=Event.ADC).typical == pytest.approx(128 / 1.2 * 1e-9)
    assert bill.total().typical == pytest.approx(800e-9 + 128 / 1.2 * 1e-9)


def test_a_message_waits_for_the_depth_of_the_tree():
    """Loihi, 8 cores on two routers: one link of 5.3 ns a layer and pass, and one for each reward; 2 layers, 2 passes, 5 steps."""
    found = estimate(Network(1, 1000, 1), load("loihi"), ANP().learning(), Workload(5))
    assert (found.placement.cores, found.placement.links, found.placement.depth) == (8, 1, 1)
    assert found.latency.total(event=Event.HOP).typical == pytest.approx(2 * 2 * 5 * 5.3e-9)
    assert found.latency.total(event=Event.REWARD_BIT_LINK).typical == pytest.approx(5 * 5.3e-9)
    assert found.energy.total(event=Event.REWARD_BIT_LINK).typical == pytest.approx(5 * 32 * 0.109375e-12)


@pytest.mark.parametrize("step_s", [1e-3, 1e-6])
def test_a_chip_that_cannot_keep_up_is_on_for_as_long_as_it_works(step_s):
    """ODIN leaks 27.3 uW and its clock takes 1.78 pJ a cycle; two of them are needed, for a work that takes longer than 5000 steps."""
    chip = load("odin").replace(step_s=step_s)
    found = estimate(Network(1, 250, 1), chip, NP().learning(), Workload(5000))
    busy = found.latency.whole.typical
    assert found.seconds == pytest.approx(5000 * step_s) and busy > 5 and found.placement.chips == 2
    assert found.energy.total(phase=Phase.IDLE).typical == pytest.approx(2 * busy * (27.3e-6 + 75e6 * 1.78e-12), rel=1e-2)
    assert any("cannot keep up" in said for said in found.caveats)


def test_time_is_that_of_the_steps_that_were_counted():
    """Of a run that diverged in its first epoch, no epoch came to its end."""
    chip, network = load("odin"), Network(1, 20, 1)
    one = estimate(network, chip, NP().learning(), Workload(100))
    none = estimate(network, chip, NP().learning(), Workload(100), 0, account=one.account)
    assert none.seconds == one.seconds == pytest.approx(0.1) and not any("keep up" in said for said in none.caveats)


def test_a_chip_that_keeps_up_is_on_for_its_steps():
    found = estimate(Network(1, 20, 1), load("odin"), NP().learning(), Workload(100))
    assert found.latency.whole.high < found.seconds == pytest.approx(0.1)
    assert found.ledger.total(Event.SECOND) == (0.1, 0.1, 0.1)
    assert found.ledger.total(Event.CYCLE).typical == pytest.approx(0.1 * 75e6) and not any("keep up" in said for said in found.caveats)


def test_an_array_that_is_not_full_is_no_faster():
    found = prices.load("pcm-hermes")
    bill = latency(ledger(analog_read=100), found, load("pcm-hermes"), cores=64, in_turn={Phase.CLEAN: 3})
    assert bill.total().typical == pytest.approx(3 * 130e-9, rel=1e-3)


def test_loihi_reward_and_update():
    """Davies et al. 2018, table 2, by hand: 120 pJ a learned synapse, and 31 hops for one spike to 32 tiles at 3 to 4 pJ."""
    bill = energy(ledger(weight_write=1000, hop=31), prices.load("loihi"), load("loihi"))
    assert tuple(bill.total(event=Event.WEIGHT_WRITE)) == pytest.approx((120e-9,) * 3)
    assert tuple(bill.total(event=Event.HOP)) == pytest.approx((93e-12, 108.5e-12, 124e-12))


# ---------------------------------------------------------------- what a bill may never do


PRICES = prices.load("digital-45nm")
COUNTS = count(NETWORK, load("digital-8bit"), DANP().learning(), Workload(3, links=1))


@settings(max_examples=40)
@given(st.sampled_from(sorted(PRICES.energy)), st.floats(0.1, 10))
def test_changing_one_price_changes_the_bill_by_exactly_its_events(event, factor):
    chip, found = load("digital-8bit"), PRICES
    price = found.energy[event]
    changed = price._replace(**{part: factor * getattr(price, part) for part in ("low", "typical", "high")})
    before = energy(COUNTS, found, chip)
    after = energy(COUNTS, found._replace(energy={**found.energy, event: changed}), chip)
    own = before.total(event=event)
    assert tuple(after.total()) == pytest.approx([a + (factor - 1) * b for a, b in zip(before.total(), own)])
    for line, there in zip(before.lines, after.lines):
        assert line.event == event or line == there


@pytest.mark.parametrize("missing", list(PRICES.energy))
def test_a_bill_with_an_unpriced_event_never_prints_a_bare_total(missing):
    chip, found = load("digital-8bit"), PRICES
    counts = Ledger({key: n for key, n in COUNTS.items() if key[1] in found.energy})
    whole = energy(counts, found, chip)
    assert not whole.unpriced and "least" not in whole.said("J") and not whole.table()["at_least"]
    left = {event: price for event, price in found.energy.items() if event != missing}
    bill = energy(counts, found._replace(energy=left), chip)
    happens = any(event == missing for _, event in counts)
    assert bill.unpriced == ([missing] if happens else [])
    assert bill.said("J").startswith("at least ") == happens == bill.table()["at_least"]


def test_incremental_and_average_prices_are_not_added():
    chip = load("pcm-hermes")
    bill = estimate(NETWORK, chip, ANP().learning(), Workload(5)).energy
    assert bill.kinds == ["incremental", "average"]
    with pytest.raises(InputError, match="cannot be added"):
        bill.total()
    assert bill.table()["total"] == {"low": None, "typical": None, "high": None}
    assert bill.total("average").typical == pytest.approx(2 * 5 * 440 * 2 / 10.5e12)  # two passes, 20 + 400 + 20 cells


def test_an_event_is_included_only_in_one_that_happens():
    """On ODIN a neuron's update lies in the price of a synaptic operation: without any, its energy is not known."""
    chip, found = load("odin"), prices.load("odin")
    for host in ("mac", "ac"):
        bill = energy(ledger(nonlinearity=7, **{host: 1}), found, chip)
        assert not bill.unpriced and bill.said("J") == "8.43 pJ"
    bill = energy(ledger(nonlinearity=7, cycle=1), found, chip)
    assert bill.unpriced == ["nonlinearity"] and bill.said("J") == "at least 1.78 pJ"


def test_without_prices_nothing_is_claimed():
    bill = estimate(NETWORK, Chip(), ANP().learning(), Workload(5)).energy
    assert bill.said("J") == "no price" and len(bill.unpriced) > 5


def test_phases_add_up_to_the_whole():
    bill = estimate(NETWORK, load("digital-8bit"), DANP().learning(), Workload(5, batch=2, sequences=3), epochs=2).energy
    parts = [bill.total(phase=phase) for phase in Phase]
    assert tuple(sum(column) for column in zip(*parts)) == pytest.approx(tuple(bill.total()))
    assert bill.total().low < bill.total().typical < bill.total().high


def test_a_narrow_neuron_reads_and_writes_fewer_bits():
    chip, found = load("digital-8bit"), prices.load("digital-45nm")
    counts = ledger(state_read=100)
    wide, narrow = (energy(counts, found, one).total() for one in (chip, chip._replace(neuron=FixedPointCircuit(16))))
    assert narrow.typical == pytest.approx(wide.typical / 2)


def test_prices_are_scaled_only_when_asked_for_and_it_is_shown():
    chip, work = load("digital-8bit"), Workload(5)
    plain, scaled = (estimate(NETWORK, chip, ANP().learning(), work, scale=scale).energy for scale in (1.0, 0.5))
    assert scaled.total().typical == pytest.approx(0.5 * plain.total().typical)
    assert (plain.table()["scaled_by"], scaled.table()["scaled_by"]) == (1.0, 0.5)
    with pytest.raises(InputError, match="above 0"):
        energy(ledger(mac=1), prices.load("odin"), chip, 0.0)


def test_every_estimate_says_that_learning_is_a_projection():
    for learning in (ANP().learning(), Gradient("bptt")):
        assert estimate(NETWORK, load("loihi"), learning, Workload(5)).table()["caveats"] == [PROJECTION]


def test_an_estimate_is_json_with_the_agreed_keys():
    table = json.loads(as_json(estimate(NETWORK, load("loihi"), ANP().learning(), Workload(5), epochs=3).table()))
    assert set(table["energy_J"]) == set(table["latency_s"]) == {"low", "typical", "high"}
    assert set(table["by_phase"]) == {"clean", "perturbed", "reward", "update", "decorrelation", "idle"}
    assert set(table["memory_bits"]) == {"weights", "wiring", "state", "passes", "learning", "reward", "random"}
    assert table["unpriced"] == ["reduction", "random_bit", "barrier"] and table["at_least"]
    assert all(line["price"] is None or line["price"]["source"] for line in table["by_event"])
    assert {line["event"] for line in table["by_event"] if line["expected"]} == {"weight_write"}


def test_two_noisy_passes_take_turns_on_the_arrays():
    """2 layers of weights to wait for, 5 steps, two passes: 20 products of 130 ns, whichever passes are noisy."""
    for rule in (ANP(), ANP(passes="noisy-noisy")):
        found = estimate(NETWORK, load("pcm-hermes"), rule.learning(), Workload(5)).latency
        assert found.total(event=Event.ANALOG_READ).typical == pytest.approx(20 * 130.03e-9, rel=1e-4)


@pytest.mark.parametrize("chip", catalogue())
def test_every_rule_has_an_estimate_on_every_chip(chip):
    chip = load(chip)
    for rule in (WP(), NP(trace=0.9), ANP(norm="running"), DANP(), Gradient("bptt"), Gradient("tbptt", k=2, optimizer="sgd")):
        learning = rule if isinstance(rule, Gradient) else rule.learning()
        table = as_json(
            estimate(Network(2, (3, 4), 1, neuron=Leaky()), chip, learning, Workload(5, batch=2, sequences=2), epochs=2).table()
        )
        assert json.loads(table)["by_event"]


def test_an_epoch_of_a_series():
    task = MackeyGlass(steps=90, validation_steps=40).load(1).train
    assert epoch_of(task, 1) == Workload(90, 1, 1, float(task.counted.sum()), float(task.counted.sum()))
    found = epoch_of(task, 4, moves=0.5)
    assert (found.steps, found.batch, found.sequences, found.moves) == (22, 4, 4, 0.5)


@pytest.mark.parametrize(("value", "text"), [(0, "0 J"), (1.27, "1.27 J"), (2.5e-3, "2.5 mJ"), (3.3e-13, "330 fJ"), (4e4, "40 kJ")])
def test_quantities(value, text):
    assert quantity(value, "J") == text
