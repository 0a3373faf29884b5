"""The compiler's side: what plain Python and compiled code share, what is cached, and what is refused before it is compiled."""

import math
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import floats, integers
from numba.core.codegen import JITCodeLibrary

import hw_models
from hw_models import ALL_CELLS, InputError, scalar
from hw_models.protocols import Cell, Converter
from hw_models.scalars import exp, log, normal, sigmoid, tanh
from neurosim import jit, random
from neurosim.cast import lower
from neurosim.jit import Placed, at, check_arithmetic, chosen, compiled, constant, dot, fill, kernel, passage, plus, put, row
from neurosim.jit.functions import OPTIONS

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
convert, write, read = kernel(Converter.convert), kernel(Cell.write), kernel(Cell.read)
draw_convert, draw_write, draw_read = random.draws["convert"], random.draws["write"], random.draws["read"]


class Part(NamedTuple):
    """A user's converter: everything in it is one arithmetic."""

    gain: float = 0.7

    def convert(self, x, u):
        return self.gain * x + 0.1


def over(part, x, out):
    for i in range(x.shape[0]):
        out[i] = convert(part, x[i], ())


def apply(part, x, plain=False):
    out = np.zeros_like(x)
    (over if plain else compiled(over, type(part)))(lower(part, x.dtype.type), x, out)
    return out


# ---------------------------------------------------------------- kernels


@DTYPES
def test_a_kernel_gives_the_same_bits_in_a_plain_loop_and_in_a_compiled_one(dtype):
    x = np.random.default_rng(1).standard_normal(257).astype(dtype)
    expected = dtype(0.7) * x + dtype(0.1)
    assert np.array_equal(apply(Part(), x), expected) and np.array_equal(apply(Part(), x, plain=True), expected)


def test_a_value_is_an_argument_and_never_compiles_again():
    x = np.ones(3, np.float32)
    apply(Part(), x)
    before = len(compiled(over, Part).signatures)
    assert np.array_equal(apply(Part(gain=2.0), x), np.full(3, 2.1, np.float32))
    assert len(compiled(over, Part).signatures) == before


def test_plain_python_runs_the_method_itself_on_pythons_own_numbers():
    assert convert(Part(), 2.0, ()) == 0.7 * 2.0 + 0.1


def write_all(cell, planes, dw, now, key, one):
    u, v = random.halves(key)
    for i in range(dw.shape[0]):
        s, _ = write(cell, at(planes, i), dw[i], now, draw_write(cell, u, v, i, one))
        put(planes, i, s)
        dw[i] = read(cell, s, draw_read(cell, u, v, i, one))


@DTYPES
@pytest.mark.parametrize("kind", ALL_CELLS.values(), ids=ALL_CELLS)
def test_a_vectorised_loop_over_cells_gives_the_bits_of_plain_python(kind, dtype):
    def run(loop):
        rng, cell = np.random.default_rng(2), lower(kind(), dtype)
        planes = kind.State(*[rng.uniform(-0.5, 0.5, 100).astype(dtype) for _ in kind.State._fields])
        dw = rng.standard_normal(100).astype(dtype)
        loop(cell, planes, dw, dtype(0), np.uint64(123456789), dtype(1))
        return [*planes, dw]

    assert all(np.array_equal(a, b) for a, b in zip(run(write_all), run(compiled(write_all, kind)), strict=True))


# ---------------------------------------------------------------- shared functions


class Shapes(NamedTuple):
    def convert(self, x, u):
        return tanh(x) + sigmoid(x) + normal(sigmoid(x))


@DTYPES
def test_shared_functions_are_one_in_both_worlds(dtype):
    x = np.concatenate([np.random.default_rng(3).normal(0, 4, 2000), [0.0, -0.0, 8.5, -8.5]]).astype(dtype)
    assert np.array_equal(apply(Shapes(), x), apply(Shapes(), x, plain=True))


class Digits(NamedTuple):
    def convert(self, x, u):
        return log(x) + exp(x)


@DTYPES
def test_exponents_taken_from_the_word_are_those_found_by_halving(dtype):
    words = np.random.default_rng(5).integers(-(2**31), 2**31, 2000).astype(np.int32).view(np.float32)
    special = [0.0, -0.0, 1.0, 0.5, 2**-0.5, np.nextafter(2**-0.5, 0), 2.0**-31, 2.0**-32, 2.0**-149, -0.1, -1.0, np.inf, -np.inf, np.nan]
    with np.errstate(all="ignore"):
        x = np.concatenate([words, np.random.default_rng(6).random(2000), np.array(special, np.float32)]).astype(dtype)
        np.testing.assert_array_equal(apply(Digits(), x), apply(Digits(), x, plain=True))


class JustTanh(NamedTuple):
    def convert(self, x, u):
        return tanh(x)


def test_tanh_is_the_c_librarys_in_float64():
    x = np.random.default_rng(4).normal(0, 3, 1000)
    expected = [math.tanh(v) for v in x]
    assert np.array_equal(apply(JustTanh(), x), expected) and np.array_equal(apply(JustTanh(), x, plain=True), expected)


@scalar
def squash(x):
    """A helper of the user's own, marked as shared."""
    return x / (1.0 + abs(x))


class Squashed(NamedTuple):
    def convert(self, x, u):
        return squash(x) * 0.5


@DTYPES
def test_a_users_own_helper_is_shared_by_its_mark(dtype):
    x = np.random.default_rng(5).standard_normal(500).astype(dtype)
    assert np.array_equal(apply(Squashed(), x), dtype(0.5) * (x / (1 + abs(x))))
    assert np.array_equal(apply(Squashed(), x, plain=True), apply(Squashed(), x))


def scaled(helper, share):
    """A class whose method names a number and a helper that stand around it."""

    class Scaled(NamedTuple):
        def convert(self, x, u):
            return helper(x) * share

    return Scaled


Tenth = scaled(squash, 0.1)


@DTYPES
def test_what_stands_around_a_method_is_of_the_runs_float_type_too(dtype):
    x = np.random.default_rng(5).standard_normal(500).astype(dtype)
    expected = dtype(0.1) * (x / (1 + abs(x)))
    assert np.array_equal(apply(Tenth(), x), expected) and np.array_equal(apply(Tenth(), x, plain=True), expected)


def test_a_helper_that_calls_itself_is_refused_wherever_it_stands():
    def around():
        @scalar
        def deeper(x):
            return deeper(x * 0.5) if x > 1.0 else x

        return deeper

    with pytest.raises(InputError, match="deeper calls itself"):
        apply(scaled(around(), 1.0)(), np.ones(3, np.float32), plain=True)


is_part = constant(lambda cls: cls.__name__ == "Part")
which = chosen(lambda cls: cls.__name__ == "Part", lambda part, x: x + x, lambda part, x: part.missing)


def decide(part, x, out):
    if is_part(part):
        out[0] = which(part, x[0])


def test_constant_and_chosen_follow_the_class():
    for loop in (decide, compiled(decide, Part)):
        out = np.zeros(1)
        loop(Part(), np.array([1.5]), out)
        assert out[0] == 3.0
    assert not is_part(Shapes())


class Drawing(NamedTuple):
    draws = {"convert": "nun"}


class Silent(NamedTuple):
    pass


def draw_three(part, out):
    out[0], out[1], out[2] = draw_convert(part, 11, 22, 5, out[0])


@DTYPES
def test_a_part_receives_the_numbers_that_it_names(dtype):
    plain, fast = np.zeros(3, dtype), np.zeros(3, dtype)
    draw_three(Drawing(), plain)
    compiled(draw_three, Drawing)(Drawing(), fast)
    uniform = [random.uniform(11, 22, 5, k, dtype(1)) for k in range(3)]
    assert np.array_equal(plain, fast) and plain[1] == uniform[1]
    assert plain[[0, 2]] == pytest.approx([normal(float(uniform[k])) for k in (0, 2)], abs=2e-6)
    assert draw_convert(Silent(), 11, 22, 5, dtype(1)) == () and draw_write(Drawing(), 11, 22, 5, dtype(1)) == ()


# ---------------------------------------------------------------- records


class Zero(NamedTuple):
    pass


class One(NamedTuple):
    a: float


class Two(NamedTuple):
    a: float
    b: float


class Five(NamedTuple):
    a: float
    b: float
    c: float
    d: float
    e: float


def add_records(record, other, out):
    fill(out, 7.0)
    for j in range(2):
        target = row(out, j)
        for i in range(3):
            put(target, i, plus(at(row(record, j), i), at(row(other, j), i)))


@pytest.mark.parametrize("kind", [Zero, One, Two, Five])
def test_records_of_any_number_of_fields(kind):
    rng = np.random.default_rng(6)
    arrays_of = lambda: kind(*[rng.standard_normal((2, 4)) for _ in kind._fields])  # noqa: E731
    record, other = arrays_of(), arrays_of()
    for loop in (add_records, compiled(add_records, kind)):
        out = arrays_of()
        loop(record, other, out)
        for a, b, c in zip(record, other, out, strict=True):
            assert np.array_equal(c[:, :3], (a + b)[:, :3]) and (c[:, 3] == 7.0).all()
    assert type(at(row(record, 1), 2)) is kind and at(row(record, 1), 2) == tuple(a[1, 2] for a in record)


# ---------------------------------------------------------------- records of records


class Leaf(NamedTuple):
    x: np.ndarray
    grid: np.ndarray


class Branch(NamedTuple):
    leaf: Leaf
    factor: float
    doubled: bool
    count: int
    scalars: One


class Tree(NamedTuple):
    branches: tuple[Branch, ...]
    empty: Zero
    sums: np.ndarray
    key: np.uint64


def total(branch, j):
    """Into the callee goes a place, and out of it a record of arrays."""
    return dot(row(branch.leaf.grid, j), branch.leaf.x) * branch.factor + branch.scalars.a


shared = passage(total)


def add_up(tree):
    for k in range(len(tree.branches)):
        branch = tree.branches[k]
        for j in range(branch.count):
            tree.sums[k] += shared(branch, j) * (2.0 if branch.doubled else 1.0)
    tree.sums[len(tree.branches)] = tree.key >> np.uint64(1)


def tree_of(branches, dtype, seed=8):
    rng = np.random.default_rng(seed)
    grown = [
        Branch(
            Leaf(rng.standard_normal(n).astype(dtype), rng.standard_normal((n + 1, 2 * n)).astype(dtype)[:, ::2].copy()),
            dtype(0.5 + n),
            n % 2 == 1,
            n,
            One(dtype(n)),
        )
        for n in range(branches)
    ]
    return Tree(tuple(grown), Zero(), np.zeros(branches + 1, dtype), np.uint64(2**63 + 2))


@DTYPES
def test_a_placed_record_is_read_as_the_plain_one(dtype):
    plain, placed = tree_of(4, dtype), tree_of(4, dtype)
    add_up(plain)
    compiled(add_up, Tree)(Placed(placed))
    assert plain.sums[:4].any() and plain.sums[4] == dtype(2**62 + 1)
    np.testing.assert_array_equal(plain.sums, placed.sums)


def test_records_of_one_shape_are_compiled_once_and_of_another_kind_again():
    for dtype, branches, kinds in ((np.float32, 2, 1), (np.float32, 2, 1), (np.float64, 2, 2), (np.float32, 3, 3)):
        compiled(add_up, Two)(Placed(tree_of(branches, dtype)))
        assert len(compiled(add_up, Two).signatures) == kinds


# ---------------------------------------------------------------- one sum


def call_dot(u, v):
    return dot(u, v)


@DTYPES
def test_a_sum_has_one_order_in_both_worlds(dtype):
    rng = np.random.default_rng(7)
    for n in range(101):
        u, v = rng.standard_normal((2, n)).astype(dtype)
        plain, fast = dot(u, v), compiled(call_dot, Part)(u, v)
        assert type(plain) is dtype and plain == fast
        # n terms in any order: at most n roundings of the sum of magnitudes
        assert abs(plain - np.dot(u.astype(float), v.astype(float))) <= n * np.finfo(dtype).eps * np.abs(u * v).sum()


@given(integers(0, 100).flatmap(lambda n: arrays(np.float32, (2, n), elements=floats(-(2.0**40), 2.0**40, width=32))))
def test_a_sum_of_anything_has_one_order(uv):
    u, v = np.ascontiguousarray(uv)
    assert dot(u, v) == compiled(call_dot, Part)(u, v)


def test_the_order_of_a_sum_is_the_stated_one():
    """32 partial sums, halved: 2**24 + 1 is lost in float32 where the two meet, kept where two ones meet first."""
    u, ones = np.zeros(70, np.float32), np.ones(70, np.float32)
    for one, other, kept in ((32, 64, 0), (33, 34, 0), (1, 17, 2), (17, 65, 2), (8, 24, 2)):
        u[:] = 0.0
        u[0], u[one], u[other] = 2.0**24, 1.0, 1.0  # 0, 32 and 64 share a lane, as do 1, 33 and 65; lanes 1 and 17 meet before they meet 0
        assert dot(u, ones) == 2.0**24 + kept, (one, other)


# ---------------------------------------------------------------- trap one: classes of the same name


def first():
    class Mine(NamedTuple):
        gain: float = 2.0

        def convert(self, x, u):
            return self.gain * x

    return Mine


def second():
    class Mine(NamedTuple):
        gain: float = 2.0

        def convert(self, x, u):
            return self.gain + x

    return Mine


def test_two_classes_of_one_name_and_the_same_fields_are_two():
    x = np.array([5.0], np.float32)
    assert apply(first()(), x) == 10.0
    assert apply(second()(), x) == 7.0


# ---------------------------------------------------------------- what becomes machine code


@passage
def third_of(x):
    if x > 100.0:
        raise ValueError("too large", x)
    return x / 3.0


@passage
def ninth_of(x):
    return third_of(third_of(x))


def fill_ninths(x):
    for i in range(x.shape[0]):
        x[i] = ninth_of(x[i])


def test_only_what_python_calls_is_made_machine_code(monkeypatch):
    made, finish = [], JITCodeLibrary._finalize_specific
    monkeypatch.setattr(JITCodeLibrary, "_finalize_specific", lambda self: (made.append(self.name), finish(self)))
    x = np.array([18.0, -9.0])
    fill = numba.njit(**OPTIONS)(fill_ninths)
    fill(x)
    assert list(x) == [2.0, -1.0]
    assert [name for name in made if name != "nrt"] == ["fill_ninths"]  # and Numba's own runtime, if it is the first
    with pytest.raises(ValueError) as caught:
        fill(np.array([200.0]))
    assert caught.value.args == ("too large", 200.0)


# ---------------------------------------------------------------- trap two: sources that changed since a kernel was kept

SCRIPT = """
    import os, pathlib
    from typing import NamedTuple
    import numpy as np
    from hw_models import Exact
    from hw_models.protocols import Converter
    from neurosim import jit

    convert = jit.kernel(Converter.convert)

    class Mine(NamedTuple):
        def convert(self, x, u):
            return x * 3.0

    def loop(part, out):
        out[0] = convert(part, out[0], ())

    def run(part):
        out = np.array([2.0], np.float32)
        dispatcher = jit.compiled(loop, type(part))
        dispatcher(part, out)
        kept = sum(1 for path in pathlib.Path(os.environ["KEPT"]).rglob("*") if path.is_file())
        return out[0], sum(dispatcher.stats.cache_hits.values()), kept

    print(jit.source_digest(), *run(Exact()), *run(Mine()))
"""


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "NUMBA_CACHE_DIR"])
def test_a_kept_kernel_is_used_again_until_a_source_changes_and_a_users_is_never_kept(variable, tmp_path):
    for package in ("neurosim", "hw_models"):
        shutil.copytree(Path(hw_models.__file__).parents[1] / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    cache = str(tmp_path / "cache")
    environment |= {"PYTHONPATH": str(tmp_path), variable: cache, "KEPT": cache, "PYTHONDONTWRITEBYTECODE": "1"}

    def run():
        result = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    digest, value, hits, kept, mine, mine_hits, kept_after = run()
    assert (value, hits, mine, mine_hits) == ("2.0", "0", "6.0", "0")
    assert int(kept) > 0 and kept == kept_after
    assert run() == [digest, "2.0", "1", kept, "6.0", "0", kept]

    source = tmp_path / "hw_models" / "converters.py"
    source.write_text(source.read_text().replace("return x\n", "return x + x\n", 1))
    changed, value, hits, *_ = run()
    assert changed != digest and (value, hits) == ("4.0", "0")


TWINS = """
    import sys
    from typing import NamedTuple
    import numba
    import numpy as np
    from hw_models.protocols import Converter
    from neurosim.jit import kernel, passage
    from neurosim.jit.functions import OPTIONS
    from kept import Twin

    convert = kernel(Converter.convert)

    def of_ones_own():
        class Twin(NamedTuple):
            gain: float

            def convert(self, x, u):
                return x * 10.0 + self.gain

        return Twin

    @passage
    def walk(part, x):
        s = 0.0
        for i in range(x.shape[0]):
            x[i] = convert(part, x[i], ())
        for k in range(5):  # enough work for the compiler to leave it a function
            y = np.sin(x + s) + np.exp(-np.abs(x)) * np.cos(x[::-1])
            s += np.dot(y, y) + y.sum() + np.tanh(y).max()
            s = np.floor(s) + np.sqrt(np.abs(y)).min() + np.arctan(y).sum() + (y * x).mean()
        return s

    def loop(part, x):
        total = walk(part, x)
        for k in range(3):
            if total > 1e8:
                total += walk(part, 2.0 * x) + walk(part, 3.0 * x)
        return total

    for part, kept in ((Twin(1.0), True), (of_ones_own()(1.0), False))[: int(sys.argv[1])]:
        x = np.ones(3)
        dispatcher = numba.njit(cache=kept, **OPTIONS)(loop)
        dispatcher(part, x)
        print(*x, sum(dispatcher.stats.cache_hits.values()))
"""


def test_a_kept_kernel_does_not_answer_for_a_class_of_the_same_name(tmp_path):
    (tmp_path / "script.py").write_text(textwrap.dedent(TWINS))
    (tmp_path / "kept.py").write_text(
        "from typing import NamedTuple\n\n\nclass Twin(NamedTuple):\n    gain: float\n\n    def convert(self, x, u):\n        return x + self.gain\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run(parts):
        command = [sys.executable, "script.py", str(parts)]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    assert run(1) == ["2.0", "2.0", "2.0", "0"]
    assert run(2) == ["2.0", "2.0", "2.0", "1", *["11.0"] * 3, "0"]


def test_the_digest_sees_every_file(tmp_path, monkeypatch):
    folders = {name: tmp_path / name for name in ("neurosim", "hw_models")}
    for folder in folders.values():
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "part.py").write_text("x = 1\n")
    monkeypatch.setattr(jit.compiling, "OURS", folders)
    seen = [jit.source_digest()]
    assert jit.source_digest() == seen[0]
    for folder in folders.values():
        (folder / "deep" / "part.py").write_text("x = 2\n")
        seen.append(jit.source_digest())
        (folder / "new.py").write_text("y = 1\n")
        seen.append(jit.source_digest())
    assert len(set(seen)) == 5


# ---------------------------------------------------------------- refusing


class WholeNumber(NamedTuple):
    def convert(self, x, u):
        y = x * 0.5
        return 1 - y


class Constant(NamedTuple):
    def convert(self, x, u):
        return math.pi * x


class Absent(NamedTuple):
    def convert(self, x, u):
        return self.gain * x


class Floor(NamedTuple):
    def convert(self, x, u):
        return np.floor(x + 0.5) * 0.25 if x > 1 else -x


@DTYPES
def test_arithmetic_in_the_runs_type_is_handed_back_compiled(dtype):
    fast = check_arithmetic(Floor, "convert", (Floor(), dtype(2.6), ()), dtype)
    assert fast(Floor(), dtype(2.6), ()) == 0.75


@pytest.mark.parametrize(
    ("cls", "offset", "message"),
    [
        (
            WholeNumber,
            2,
            "WholeNumber.convert leaves the run's arithmetic here, float32 becomes float64; write constants as float literals",
        ),
        (Constant, 1, "Constant.convert leaves the run's arithmetic here, float32 becomes float64"),
        (Absent, 0, "Absent.convert cannot be compiled: "),
    ],
)
def test_arithmetic_that_leaves_the_runs_type_is_refused_by_line(cls, offset, message):
    with pytest.raises(InputError) as caught:
        check_arithmetic(cls, "convert", (cls(), np.float32(1), ()), np.float32)
    assert f"test_jit.py:{cls.convert.__code__.co_firstlineno + offset}: {message}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
