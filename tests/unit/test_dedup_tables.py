"""CSV and Parquet files as programs and people write them: nothing in them is lost without a word."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedup import tables
from dedup.opened import Opened, UnreadableError

HEADER = "first_name,last_name,city"
PEOPLE = ["Anna,Aumann,Bern", "Bert,Becker,Ulm", "Carl,Conrad,Graz", "Dora,Dietz,Jena", "Emil,Engel,Linz"]


def opened(folder: Path, content: str | bytes, name: str = "people.csv") -> Opened:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tables.read(path)


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"


def test_a_quote_that_is_closed_too_late_is_told(tmp_path: Path) -> None:
    swallowed = [PEOPLE[0], '"Bert,Becker,Ulm', *PEOPLE[2:4], 'Fritz","Fuchs",Bern', *PEOPLE[4:]]
    found = opened(tmp_path, lines(HEADER, *swallowed))
    assert found.table.num_rows + found.bad_rows == 3
    assert "2 lines that look like records" in found.warnings[0]
    assert "record 2 of the file" in found.warnings[0]


def test_an_open_quote_is_told_whatever_other_quotes_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="opens in record 3 is never closed"):
        opened(tmp_path, lines(HEADER, 'Anna,5" pipe,Bern', "too,few", '"Carl,Conrad,Graz', *PEOPLE[3:]))


def test_values_of_several_lines_are_no_mistake(tmp_path: Path) -> None:
    found = opened(tmp_path, lines(HEADER, 'Anna,"Aumann, Dr.\nor, as some say\nAu",Bern', 'Bert,Becker,"Ulm\nSüd"'))
    assert (found.table.num_rows, found.bad_rows, found.warnings) == (2, 0, ())


def test_texts_of_parquet_files_are_plain_whoever_wrote_them(tmp_path: Path) -> None:
    pq.write_table(pa.table({"city": pa.array(["Bern", "Ulm"], pa.string_view())}), tmp_path / "people.parquet")
    assert tables.read(tmp_path / "people.parquet").table["city"].take([1]).to_pylist() == ["Ulm"]


def test_a_repeated_name_is_no_damage(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array(["Bern"]), pa.array(["Ulm"])], names=["city", "city"])
    pq.write_table(twice, tmp_path / "people.parquet")
    assert tables.read(tmp_path / "people.parquet").table.column_names == ["city", "city"]


@pytest.mark.parametrize(
    "content",
    [
        lines("", "", HEADER, *PEOPLE),
        lines(HEADER, *(f"{row}," for row in PEOPLE)),
        lines(f"{HEADER},", *PEOPLE),
        lines("sep=;", *(row.replace(",", ";") for row in (HEADER, *PEOPLE))),
        lines("sep=:", *(row.replace(",", ":") for row in (HEADER, *PEOPLE))),
        lines("Report of 2024", "", HEADER, *PEOPLE),
        lines("Report of 2024,,", ",,", HEADER, *PEOPLE),
    ],
    ids=["blank lines", "separator ends rows", "separator ends header", "sep=;", "sep=:", "title", "padded title"],
)
def test_what_programs_put_around_a_table_is_no_part_of_it(tmp_path: Path, content: str) -> None:
    found = opened(tmp_path, content)
    assert found.table.column_names[:3] == HEADER.split(",")
    assert found.table["first_name"].to_pylist() == ["Anna", "Bert", "Carl", "Dora", "Emil"]
    assert found.numbers.tolist() == [1, 2, 3, 4, 5]
    assert bool(found.warnings) == ("Report" in content)


def test_bad_rows_are_told_by_their_line_below_a_title_too(tmp_path: Path) -> None:
    found = opened(tmp_path, lines("Report", "", HEADER, PEOPLE[0], "too,few", *PEOPLE[1:]))
    assert found.numbers.tolist() == [1, 3, 4, 5, 6]
    assert (found.bad[0].line, found.bad[0].fields) == (5, 2)


def test_records_are_not_taken_for_the_names_of_columns(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"line 2 has 3. The first line must name every column"):
        opened(tmp_path, lines("people", *PEOPLE))


def test_a_first_record_may_be_long(tmp_path: Path) -> None:
    found = opened(tmp_path, lines(HEADER, "Anna," + "x" * 1_000_000 + ",Bern", *PEOPLE))
    assert found.table.num_rows == 6


def test_a_file_of_two_encodings_is_told(tmp_path: Path) -> None:
    west, utf8 = (lines("Björn,Götz,Köln").encode(encoding) for encoding in ("cp1252", "utf-8"))
    head = lines(HEADER).encode()
    assert (
        "1 lines, the first of them line 3, have letters in UTF-8" in opened(tmp_path, head + west + utf8).warnings[0]
    )
    assert not opened(tmp_path, head + west).warnings
    assert not opened(tmp_path, head + utf8).warnings
