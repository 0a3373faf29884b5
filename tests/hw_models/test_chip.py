"""Chips by name, from files, with changes, and back to tables."""

import importlib.resources
import math
import re
import tomllib

import pytest
import tomli_w

from hw_models import Chip, FixedPoint, Gaussian, InputError, Limited, Unlimited, catalogue, load
from hw_models.chip import KINDS, configure
from hw_models.parts import check, fields

NAMES = list(catalogue())
assert NAMES
MARKED = re.compile(r"\((READ2?|MEMORY)\b|^our choice|^derived: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_chip_of_the_catalogue_is_sound_and_says_what_it_is(name):
    chip = load(name)
    assert chip.name == name
    assert chip.summary == catalogue()[name] and chip.summary.endswith(".")
    for field in KINDS:
        check(getattr(chip, field))


def test_the_catalogue_has_what_was_promised():
    assert set(NAMES) >= {
        "ideal", "digital-8bit", "digital-16bit", "loihi", "odin", "reckon", "pcm-hermes", "pcm", "reram-es", "reram-hfo2", "reram-wan",
        "reram-cmo", "ecram", "capacitor", "sonos", "smtj-digital",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_says_where_it_comes_from_and_how_sure_that_is(name):
    """A file that credits one paper as a whole hides which of its values are somebody's choice."""
    whole = tomllib.loads((importlib.resources.files("hw_models") / "catalogue" / f"{name}.toml").read_text("utf-8"))
    sources = whole.pop("sources")
    stated = {key for key, value in whole.items() if not isinstance(value, dict)} - {"summary"}
    for part, numbers in whole.items():
        if isinstance(numbers, dict):
            stated |= {f"{part}.{field}" for field in numbers if field != "kind"}
    assert all(figure in sources or figure.split(".")[0] in sources for figure in stated)
    assert all(
        key in stated or key in KINDS or key in Chip._fields or key.split(".")[1] in getattr(load(name), key.split(".")[0])._fields
        for key in sources
    )
    assert all(MARKED.search(text) for text in sources.values())


ENDLESS = re.compile(r"infinit|unlimited|no limit|switch(es|ed) (it )?off|\bdisable", re.I)


@pytest.mark.parametrize("field", KINDS)
def test_no_number_of_a_part_means_that_there_is_no_limit(field):
    """Widths start at one bit, limits above 0; what has no limit is another kind of part, by name."""
    for cls in KINDS[field].values():
        for name, known in fields(cls).items():
            assert known.kind not in (int, float) or not ENDLESS.search(known.meaning), f"{cls.__name__}.{name}: {known.meaning}"
            if name == "bits":
                assert known.range.low >= 1
            if name == "limit":
                assert known.range.low == 0 and known.range.open_low


def test_no_bits_of_memory_are_no_memory():
    assert Limited(synapse_bits=0, neuron_bits=0).room("synapse") == 0 and Unlimited().room("synapse") is None


@pytest.mark.parametrize("name", NAMES)
def test_a_chip_survives_toml(name):
    chip = load(name)
    assert configure(Chip(), tomllib.loads(tomli_w.dumps(chip.to_table()))) == chip


@pytest.mark.parametrize("field", KINDS)
def test_every_kind_is_chosen_by_its_name(field):
    for kind, cls in KINDS[field].items():
        part = getattr(configure(Chip(), {field: {"kind": kind}}), field)
        assert part == cls()
        assert Chip().replace(**{field: part}).to_table()[field]["kind"] == kind


def test_the_default_chip_is_the_ideal_one():
    assert load("ideal").replace(summary="", sources={}) == Chip()


def test_replace_changes_one_field_of_one_part():
    chip = load("digital-8bit")
    changed = chip.replace(cell__bits=6, step_s=0.1)
    assert changed.cell == FixedPoint(6, "stochastic") and changed.step_s == 0.1
    assert changed.replace(cell__bits=8, step_s=chip.step_s) == chip
    assert chip.cell.bits == 8


def test_replace_takes_a_part_or_a_kind():
    assert Chip().replace(cell=FixedPoint(4)).cell == FixedPoint(4)
    assert Chip().replace(cell__kind="fixed-point").cell == FixedPoint()


def test_another_kind_starts_from_its_own_defaults_the_same_kind_from_what_was_there():
    chip = Chip(noise=Gaussian(0.7))
    assert configure(chip, {"noise": {"kind": "bernoulli"}}).noise.sigma == 1e-3
    assert configure(chip, {"noise": {"kind": "gaussian"}}).noise.sigma == 0.7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cel__bits": 6}, r'^chip\.cel is not a field of Chip; did you mean "cell"\? Known: name, '),
        (
            {"cell__bit": 6},
            r'^chip\.cell\.bit is not a field of FixedPoint, which the chip digital-8bit has there; did you mean "bits"\? Known: bits, rounding\.$',
        ),
        ({"cell__bits": 17}, r"^chip\.cell\.bits must be a whole number from 1 to 16 \(bit\), got 17\.$"),
        (
            {"cell__kind": "fixed_point"},
            r'^chip\.cell\.kind "fixed_point" is not known; did you mean "fixed-point"\? Known: ideal, fixed-point, analog',
        ),
        ({"cell": "analog"}, r'^chip\.cell must be a table with a kind such as \{ kind = "ideal" \}, got \'analog\'\.$'),
        ({"step_s": 0.0}, r"^chip\.step_s must be a number greater than 0 \(s\), got 0\.0\.$"),
        ({"headroom": math.nan}, r"^chip\.headroom must be a number greater than 0 .*, got nan\.$"),
        ({"noise__sigma": -1.0}, r"^chip\.noise\.sigma must be a number greater than 0 .*, got -1\.0\.$"),
    ],
)
def test_a_wrong_change_is_refused_by_name(changes, message):
    with pytest.raises(InputError, match=message):
        load("digital-8bit").replace(**changes)


def test_an_unknown_chip_names_the_nearest():
    with pytest.raises(
        InputError, match=r'^Chip "digital8bit" is not in the catalogue; did you mean "digital-8bit"\? Known: .*\.toml ending\.$'
    ):
        load("digital8bit")


def test_a_chip_of_ones_own_is_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[cell]\nkind = "fixed-point"\nbits = 5\n')
    assert load(str(path)) == Chip(name="mine", cell=FixedPoint(5))
    assert load(path) == load(str(path))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"^There is no chip file .*mine\.toml; give the path"):
        load(str(tmp_path / "mine.toml"))


def test_malformed_toml_is_refused_with_its_line(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('summary = "x"\n[cell]\nbits = = 5\n')
    with pytest.raises(InputError, match=r"mine\.toml is not valid TOML: .*line 3"):
        load(str(path))


def test_a_wrong_key_in_a_file_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[cells]\nbits = 5\n")
    with pytest.raises(InputError, match=r'cells is not a field of Chip; did you mean "cell"\?'):
        load(str(path))


def test_a_number_has_a_source_or_its_parts():
    chip = configure(Chip(), {"sources": {"cell": "A paper (READ)", "cell.bits": "A manual (MEMORY)"}})
    assert chip.source("cell.bits") == "A manual (MEMORY)" and chip.source("cell.rounding") == "A paper (READ)"
    assert chip.source("noise.sigma") == ""
    assert configure(Chip(), chip.to_table()) == chip


@pytest.mark.parametrize(
    ("sources", "says"), [("a book", "must be a table"), ({"cel.bits": "a book"}, "'cel.bits'"), ({"cell.bits": 8}, "a sentence")]
)
def test_sources_that_name_nothing_are_refused(sources, says):
    with pytest.raises(InputError, match=says):
        configure(Chip(), {"sources": sources})


def test_loihis_paper_is_credited_with_what_it_says_and_no_more():
    """A tool says of all its numbers for Loihi that they stand in one paper, where several were fitted later."""
    chip = load("loihi")
    assert {key for key, text in chip.sources if text.startswith("Davies et al. 2018")} == {"cell", "noise", "memory.synapse_bits"}
    for field, origin in {
        "cell.bits": "lava-nc", "cell.rounding": "lava-nc", "decorrelation.bits": "our choice", "dac.bits": "our choice",
        "noise.sigma": "our choice", "memory.neuron_bits": "our choice",
    }.items():  # fmt: skip
        assert chip.source(field).startswith(origin)
    assert "(MEMORY)" in chip.source("noise.kind") and "(READ2)" in chip.source("memory.synapse_bits")


def test_the_noise_of_reads_is_what_its_source_comes_to():
    """0.0175 sqrt(mean |w|), and mean |w| = sqrt(2 / pi) / 2.5 of normal weights under a headroom of 2.5; sqrt(2) times 1 % of a pair."""
    for name in ("pcm", "pcm-hermes"):
        chip = load(name)
        assert chip.headroom == 2.5
        assert chip.tile.read_noise == pytest.approx(0.0175 * math.sqrt(math.sqrt(2 / math.pi) / 2.5), abs=5e-5)
    assert load("reram-wan").tile.read_noise == pytest.approx(math.sqrt(2) * 0.01, abs=5e-5)


def test_a_chip_file_may_extend_another_chip(tmp_path):
    """What it does not name stays; where a number comes from is said of each: the other chip's source, or the file."""
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "reckon"\nstep_s = 0.002\n[cell]\nbits = 6\n[noise]\nkind = "gaussian"\nsigma = 0.1\n[sources]\n"noise.sigma" = "a guess"\n'
    )
    base, chip = load("reckon"), load(str(path))
    assert chip.name == "mine" and chip.cell == base.cell._replace(bits=6) and chip.noise == Gaussian(0.1) and chip.step_s == 0.002
    assert (
        chip.dac == base.dac and chip.source("dac") == base.source("dac") and chip.source("cell.rounding") == base.source("cell.rounding")
    )
    assert chip.source("cell.bits") == chip.source("noise.kind") == "set in mine.toml" and chip.source("noise.sigma") == "a guess"
    (tmp_path / "again.toml").write_text('extends = "mine.toml"\n[cell]\nbits = 5\n')
    again = load(str(tmp_path / "again.toml"))
    assert again.cell.bits == 5 and again.noise == Gaussian(0.1) and again.source("cell.bits") == "set in again.toml"
    (tmp_path / "said.toml").write_text('extends = "mine.toml"\n[cell]\nbits = 4\n[sources]\ncell = "our RTL"\n')
    assert load(str(tmp_path / "said.toml")).source("cell.bits") == "our RTL"  # of what the file sets, its own word comes first
    (tmp_path / "kind.toml").write_text(
        'extends = "reckon"\nsummary = "x"\n[cell]\nkind = "single-step"\nleft = 1\n[dac]\nkind = "exact"\n'
    )
    kind = load(str(tmp_path / "kind.toml"))
    assert (
        kind.cell == base.cell._replace(left=1) and kind.source("cell.bits") == base.source("cell.bits") != ""
    )  # the same kind keeps the rest
    assert kind.source("dac.limit") == "" and "summary" not in dict(kind.sources)
    (tmp_path / "one.toml").write_text('extends = "two.toml"')
    (tmp_path / "two.toml").write_text('extends = "one.toml"')
    with pytest.raises(InputError, match=r"one\.toml extends itself by way of two\.toml"):
        load(str(tmp_path / "one.toml"))
    for text, says in (
        ('extends = "mine.toml"', "extends itself"),
        ("extends = 3", "must be the name of a chip"),
        ('extends = "rekon"', 'did you mean "reckon"'),
        ('extends = "reckon"\n[cell]\nbit = 3', r"chip\.cell\.bit is not a field"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=says):
            load(str(path))
