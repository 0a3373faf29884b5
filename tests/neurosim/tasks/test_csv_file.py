import numpy as np
import pytest

from hw_models.parts import InputError
from neurosim.tasks import csv_file


@pytest.fixture
def read(tmp_path):
    def read(text, target="y", drop=(), missing="error"):
        path = tmp_path / "data.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return csv_file.read(path, target, drop, missing, "T")

    return read


def test_columns_and_values(read):
    table = read("a,y\n1,2.5\n3,-4e-1\n")
    assert table.columns == ["a", "y"]
    assert table.values.tolist() == [[1, 2.5], [3, -0.4]]


@pytest.mark.parametrize(
    "text", ["\ufeffa,y\n1,2\n", "a, y\r\n1, 2\r\n", "a,y\n1,2\n\n\n", "a,y\n1,2\n,\n", "a,y\n1,2,\n", '"a","y"\n"1",2']
)
def test_variants_that_mean_the_same(read, text):
    table = read(text)
    assert (table.columns, table.values.tolist()) == (["a", "y"], [[1, 2]])


def test_true_and_false_are_numbers(read):
    assert read("rain,y\nTrue,1\nFalse,2\n").values.tolist() == [[1, 1], [0, 2]]


def test_dropped_columns_may_hold_anything(read):
    assert read("a,b,y\nx,,1\nz,3,2\n", drop=("a", "b", "a")).columns == ["y"]


@pytest.mark.parametrize(
    "dates",
    [
        ("1/1/2010 0:00", "1/2/2010 0:00"),
        ("2010-01-01", "2010-01-02"),
        ("2010-01-01T00:00:00+01:00", "2010-06-01T00:00:00+02:00"),
        ("1/2/2010", "13/2/2010"),
        ("31.12.2010", "01.01.2011"),
    ],
)
def test_one_date_column_is_left_out(read, dates):
    assert read("when,y\n{},1\n{},2\n".format(*dates)).columns == ["y"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "when,y\n2010-01-02,1\n2010-01-01,2\n",
            'column "when" of .* runs backwards in time, from 2010-01-02 to 2010-01-01; sort the rows',
        ),
        ("a,b,y\n2010-01-01,2010-01-01,1\n", r'column "b" of .* holds text \("2010-01-01" in line 2\); put "b" in T.drop'),
        ("day,y\nMon,1\nTue,2\n", r'column "day" of .* holds text \("Mon" in line 2\)'),
        ("when,y\n2010-01-01,1\nyesterday,2\n", 'column "when" of .* holds text'),
        ("a,y\n1,2\ncalm,3\n", r'column "a" of .* holds text \("calm" in line 3\); put "a" in T.drop or replace'),
        ("a,y\n1,2\n3,x\n", r'column "y" of .* holds text \("x" in line 3\); replace the text by numbers'),
        ("a,y\n1,2\n,3\n", 'T.csv: column "a" of .* has no value in line 3; fill it in, drop the column, or set T.missing = "previous"'),
        ("when,y\n2010-01-01,2\n\n2010-01-02,4\n", 'column "y" of .* has no value in line 3'),
        ("a,y\n1,2\n\n3,4\n", 'column "a" of .* has no value in line 3'),
        ("a,y\n1,2\n3\n", 'column "y" of .* has no value in line 3'),
        ("a,y\n1,2\n3,inf\n", 'column "y" of .* is infinite in line 3'),
        ("", "T.csv: .* is empty"),
        ("a,y\n", "T.csv: .* has no rows of values below its column names"),
        ("a,y\n1,2\n1,2,3\n", "not a well-formed CSV file in UTF-8 .*line 3"),
        ("a,y\n1,2,3\n4,5,6\n", "have more values than its first line has names"),
        ("a,y\n0,2,3\n1,5,6\n", "have more values than its first line has names"),
        (b"a,y\n\xff\xfe,1\n", "not a well-formed CSV file in UTF-8"),
    ],
)
def test_what_is_no_table_of_numbers(read, text, message):
    with pytest.raises(InputError, match=message):
        read(text)


def test_carrying_on_the_last_value(read):
    assert read("a,y\n1,2\n,3\n\n5,\n", missing="previous").values.tolist() == [[1, 2], [1, 3], [1, 3], [5, 3]]
    with pytest.raises(InputError, match=r'column "a" of .* has no value in its first row \(line 2\), so there is none to carry on'):
        read("a,y\n,2\n1,3\n", missing="previous")


def test_unknown_columns_are_answered_with_the_nearest(read):
    with pytest.raises(InputError, match=r'T.target "Temprature" is not a column of .*; did you mean "Temperature"'):
        read("Temperature,wind\n1,2\n", target="Temprature")
    with pytest.raises(InputError, match=r'T.drop "wnd" is not a column of .*; did you mean "wind"'):
        read("y,wind\n1,2\n", drop=("wnd",))
    with pytest.raises(InputError, match=r'T.drop names the target "y"'):
        read("y,wind\n1,2\n", drop=("y",))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"T.csv: there is no file none.csv"):
        csv_file.read("none.csv", "y", (), "error", "T")
    with pytest.raises(InputError, match=r"cannot be opened"):
        csv_file.read(tmp_path, "y", (), "error", "T")


def test_numbers_mixed_with_text_far_down_are_one_error(read):
    rows = "\n".join(["1,2"] * 300_000)  # pandas reads long files in pieces and would warn of mixed types
    with pytest.raises(InputError, match=r'\("calm" in line 300002\)'):
        read(f"a,y\n{rows}\ncalm,3\n")


def test_values_are_float64(read):
    assert read("y\n1\n2\n").values.dtype == np.float64
