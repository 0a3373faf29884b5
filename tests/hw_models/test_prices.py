"""Price lists: every price with its origin, nothing mixed, and the figures that were published."""

import pytest

from hw_models import prices
from hw_models.chip import catalogue, load
from hw_models.events import Event
from hw_models.parts import InputError
from hw_models.prices import adc

GOOD = """
summary = "mine"
[energy.mac]
typical = 2
unit = "pJ"
how = "measured"
source = "me"
mark = "READ"
"""


def mine(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return prices.load(str(path))


def test_a_list_of_ones_own(tmp_path):
    found = mine(tmp_path, GOOD)
    assert found.energy[Event.MAC].si == (2e-12, 2e-12, 2e-12)
    assert found.name == "mine"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('mark = "READ"', 'mark = "READ"\nlow = 3'), "low <= typical"),
        (('source = "me"', 'source = " "'), "source"),
        (('source = "me"\n', ""), "source must be given"),
        (("[energy.mac]", "[energy.macs]"), 'did you mean "mac"'),
        (('"pJ"', '"pj"'), "unit must be one of"),
        (('"pJ"', '"mW"'), "unit must be one of J, nJ, pJ, fJ"),
        (("typical = 2", 'function = "adc-fits"'), 'did you mean "adc-fit"'),
        (("typical = 2", 'function = "adc-survey"\ncycles = 0'), "cycles must be how often"),
        (("[energy.mac]", "[energy]\nweight_write = 0.9\n[energy.mac]"), r"\[energy.weight_write\] with typical .* got 0.9"),
        (('summary = "mine"', 'summary = "mine"\nlatency = 3'), r"must be a table such as \[latency\]"),
        (('summary = "mine"', 'summary = "mine"\ncapacity = "big"'), r"must be a table such as \[capacity\]"),
        (('summary = "mine"', 'summary = "mine"\nclock_hz = "75 MHz"'), "must be a frequency in Hz"),
        (("typical = 2", 'function = "adc-fit"\nrate_hz = 1e8'), "node_nm of at least 16"),
        (('summary = "mine"', 'summery = "mine"'), 'did you mean "summary"'),
        (("[energy.mac]", "[included]\nmac = 'ac'\n[energy.mac]"), "leave one out"),
        (
            ("[energy.mac]", "[included]\nadd = 'the ac'\n[energy.mac]"),
            'add is said to be included in "the ac", which names no event that has',
        ),
    ],
)
def test_a_price_without_an_origin_or_in_disorder_is_refused(tmp_path, change, says):
    with pytest.raises(InputError, match=says):
        mine(tmp_path, GOOD.replace(*change))


def test_idle_power_is_never_added_to_an_average(tmp_path):
    second = '[energy.second]\ntypical = 1\nunit = "W"\nhow = "measured"\nsource = "me"\nmark = "READ"\n'
    mine(tmp_path, GOOD + second)
    with pytest.raises(InputError, match="count it twice"):
        mine(tmp_path, GOOD + 'kind = "average"\n' + second)


def test_every_built_in_price_has_an_origin_and_names_chips_that_exist():
    claimed = []
    for name in prices.catalogue():
        found = prices.load(name)
        assert found.summary.endswith(".")
        claimed += found.chips
        for price in [*found.energy.values(), *found.latency.values()]:
            assert price.source and price.mark and price.how
            assert price.low >= 0 and price.typical > 0
        if any((found.capacity.cores, found.capacity.core_neurons, found.capacity.core_rows)):
            assert found.capacity.source
    assert len(claimed) == len(set(claimed)) and set(claimed) <= catalogue().keys()


def test_a_chip_finds_its_list_and_an_unpriced_one_an_empty_list():
    assert prices.prices_of(load("loihi")).name == "loihi"
    assert prices.prices_of(load("ideal")) == prices.PriceList()
    with pytest.raises(InputError, match='did you mean "loihi"'):
        prices.load("loihii")


def test_horowitz_table_at_45_nm():
    """Horowitz 2014, doi:10.1109/ISSCC.2014.6757323: 8-bit product 0.2 pJ, sums 0.03 (8 bits) and 0.1 (32); 64 bits of 8 KB 10 pJ, of 1 MB 100."""
    energy = prices.load("digital-45nm").energy
    assert energy[Event.MAC].si[:2] == pytest.approx((0.2e-12 + 0.03e-12, 0.2e-12 + 0.1e-12))
    assert energy[Event.MULTIPLY].si == pytest.approx((0.2e-12, 1.1e-12, 3.1e-12))
    read = energy[Event.WEIGHT_READ]
    assert read.per_bit and [64 * value for value in read.si] == pytest.approx([10e-12, 20e-12, 100e-12])


def test_what_a_list_includes_in_another_price_has_none_of_the_list_that_it_extends(tmp_path):
    base = prices.load("digital-45nm")
    found = mine(tmp_path, 'summary = "mine"\nextends = "digital-45nm"\n[included]\nadd = "mac"\n')
    assert Event.ADD in base.energy and base.energy.keys() - found.energy.keys() == {Event.ADD} and found.included[Event.ADD] == "mac"


def test_another_list_can_be_changed_in_one_price():
    base, found = prices.load("digital-45nm"), prices.load("smtj-digital")
    assert {event for event in base.energy if base.energy[event] != found.energy[event]} == {Event.RANDOM_BIT}
    assert found.energy[Event.RANDOM_BIT].si[1] == pytest.approx(20e-15)  # Vodenicarevic et al. 2018, arXiv:1806.09124


def test_adc_survey_functions():
    """Murmann's survey, envelope 0.267 pJ + 1.446e-7 pJ * 4**N: 0.277, 0.419 and 2.69 pJ at 8, 10 and 12 bits."""
    assert [adc.envelope(n) * 1e12 for n in (8, 10, 12)] == pytest.approx([0.277, 0.419, 2.69], rel=2e-3)
    assert [adc.walden(8, step) * 1e12 for step in (30e-15, 50e-15)] == pytest.approx([7.7, 12.8], rel=5e-3)
    # the fit of accelergy-adc-plug-in at 100 MS/s and 32 nm, 4 to 10 bits; ISAAC's converter of 8 bits takes 1.67 pJ
    found = [adc.fitted(n, 1e8, 32) * 1e12 for n in range(4, 11)]
    assert found == pytest.approx([0.92, 0.94, 1.06, 1.31, 1.71, 2.34, 3.30], rel=6e-3)


def test_a_fitted_price_of_ones_own(tmp_path):
    text = GOOD.replace("energy.mac", "energy.adc").replace("typical = 2", 'function = "adc-fit"\nrate_hz = 1e8\nnode_nm = 32')
    assert mine(tmp_path, text).energy[Event.ADC].typical == pytest.approx(adc.fitted(8, 1e8, 32) * 1e12)


def test_a_survey_price_follows_the_resolution():
    eight, nine = (prices.load("rram-isaac", bits).energy[Event.ADC] for bits in (8, 9))
    assert nine.typical == pytest.approx(2 * eight.typical) and eight.typical == pytest.approx(
        8 * 7.68
    )  # a column for each bit of the input
    assert eight.low == pytest.approx(0.2765, rel=1e-3)


def test_reckon_trace_memory():
    """ReckOn doc/README.md, section 1: traces of 12, 12 and 10 bits in 256 neurons, weights in 64 + 64 + 8 KB: 0.78 %, published as 0.8 %."""
    traces, found = 256 * load("reckon").memory.room("neuron"), prices.load("reckon")
    assert traces == 1088 * 8
    assert found.capacity.core_weight_bits == (64 + 64 + 8) * 1024 * 8
    assert round(100 * traces / found.capacity.core_weight_bits, 2) == 0.78


def test_loihis_prices_are_those_of_its_table():
    """Davies et al. 2018, table 2, in pJ and ns; a hop is an event of its own: a tool adds one, 3.5 pJ, to every synaptic operation."""
    found = prices.load("loihi")
    energy = {event: tuple(1e12 * value for value in price.si) for event, price in found.energy.items()}
    assert energy[Event.MAC] == energy[Event.AC] == pytest.approx((23.6, 23.6, 35.5))
    assert found.energy[Event.MAC].how == "simulated" and "high: fitted to silicon, Boyle" in found.energy[Event.MAC].source
    assert energy[Event.WEIGHT_WRITE] == pytest.approx((120, 120, 120))
    assert energy[Event.NONLINEARITY] == pytest.approx((52, 81, 81))
    assert energy[Event.SPIKE] == pytest.approx((1.7, 1.7, 1.7)) and energy[Event.HOP] == pytest.approx((3.0, 3.5, 4.0))
    assert found.energy[Event.SECOND].si == pytest.approx((0.104, 0.104, 0.104)) and "Frady" in found.energy[Event.SECOND].source
    latency = {event: tuple(1e9 * value for value in price.si) for event, price in found.latency.items()}
    assert latency[Event.MAC] == pytest.approx((3.5,) * 3) and latency[Event.WEIGHT_WRITE] == pytest.approx((6.1,) * 3)
    assert latency[Event.NONLINEARITY] == pytest.approx((5.3, 8.4, 8.4)) and latency[Event.HOP] == pytest.approx((4.1, 5.3, 6.5))
    assert latency[Event.BARRIER] == pytest.approx((113, 289, 465))


def test_a_list_is_of_the_technology_that_its_source_was_made_in():
    """A tool calls numbers of a 28 nm test chip those of SpiNNaker 2, a chip of 22 nm; we have none of either chip."""
    made = {
        "digital-45nm": 45, "digital-7nm": 7, "loihi": 14, "odin": 28, "reckon": 28, "truenorth": 28, "pcm-hermes": 14, "rram-isaac": 32,
        "smtj-digital": 45,
    }  # fmt: skip
    assert set(prices.catalogue()) == set(made)
    for name, node in made.items():
        energy = prices.load(name).energy
        first = energy[Event.ANALOG_READ] if Event.ANALOG_READ in energy else energy[Event.MAC]
        assert first.node_nm == node


def test_what_a_bit_takes_lies_among_figures_that_agree():
    """From a register (9 fJ) to 1 MB of static memory (100 pJ for 64 bits); links from TrueNorth's 72 fJ to Loihi's 4 pJ for 32 bits.

    Two tables of a tool lie outside: an embedded memory of 2.58 pJ a bit (or 2.5 fJ, if the figure is that of 1024 bits), and a link from
    chip to chip of 0.2 pJ a bit, which is less than one on a package.
    """
    for name in prices.catalogue():
        energy = prices.load(name).energy
        for event in {Event.WEIGHT_READ, Event.STATE_READ} & energy.keys():
            low, _, high = energy[event].si
            assert energy[event].per_bit and low >= 9e-15 * 0.999 and high <= 100e-12 / 64 * 1.001, (name, event)
        for event in {Event.HOP, Event.REWARD_BIT_LINK} & energy.keys():
            bits = 1 if energy[event].per_bit or event == Event.REWARD_BIT_LINK else 32
            assert energy[event].si[0] / bits >= 72e-15 and energy[event].si[2] / bits <= 125e-15 * 1.001, (name, event)


def test_a_tile_is_as_tall_as_the_array_that_is_priced():
    """Else a tall layer is cut into the list's arrays when cores are counted, and into fewer when its conversions are."""
    tall = {
        name: (load(name).tile.rows, prices.prices_of(load(name)).capacity.core_rows)
        for name in catalogue()
        if hasattr(load(name).tile, "rows")
    }
    assert all(rows == core_rows for rows, core_rows in tall.values() if core_rows) and any(core_rows for _, core_rows in tall.values())
