"""`onerecord dedupe FILE`: a file of one's own, from the first try to the mistakes one makes on the way."""

import csv
import json
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hubrun import onerecord

GIVEN = ["Anna", "Björn", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Klara", "Lukas"]
FAMILY = [
    "Aumann",
    "Becker",
    "Conrad",
    "Dietz",
    "Engel",
    "Fuchs",
    "Götz",
    "Haller",
    "Ibsen",
    "Jäger",
    "Köhler",
    "Lorenz",
]
CITIES = ["Bern", "Köln", "Linz", "Graz", "Ulm", "Jena"]
HEADER = ["Kundennr", "Vorname", "Nachname", "Geburtsdatum", "E-Mail", "Telefon", "Ort"]
PEOPLE = 120


def people() -> list[list[str]]:
    """Of 120 people every third is there twice, the second time with a slip in the family name and no telephone."""
    luck = random.Random(7)
    rows = []
    for person in range(PEOPLE):
        given, family = luck.choice(GIVEN), luck.choice(FAMILY)
        born = f"{luck.randrange(1, 29):02}.{luck.randrange(1, 13):02}.{luck.randrange(1940, 2005)}"
        mail = f"{given}.{family}{person}@mail{person % 5}.example.org".lower()
        rows.append([given, family, born, mail, f"0711 {luck.randrange(10**6, 10**7)}", luck.choice(CITIES)])
        if person % 3 == 0:
            rows.append([given, family + luck.choice("nes"), born, mail, "", rows[-1][5]])
    luck.shuffle(rows)
    return [[f"Kü{number}", *row] for number, row in enumerate(rows, start=100)]


ROWS = people()
TWINS = {tuple(sorted(a[0] for a in ROWS if a[4] == b[4])) for b in ROWS if sum(a[4] == b[4] for a in ROWS) > 1}


def written(path: Path, rows=ROWS, header=HEADER, separator=",", encoding="utf-8") -> str:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=separator).writerows([header, *rows])
    return str(path)


def read(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def report(*arguments: str) -> dict:
    answer = onerecord("dedupe", *arguments, "--json")
    assert answer.code == 0, answer.told
    assert answer.out.count("\n") == 1
    return json.loads(answer.out)


def together(rows, key) -> set[tuple[str, ...]]:
    clusters: dict[str, list[str]] = {}
    for row in rows:
        clusters.setdefault(row["cluster"], []).append(row[key])
    return {tuple(sorted(members)) for members in clusters.values() if len(members) > 1}


def test_a_file_is_deduplicated_with_nothing_said_about_it(tmp_path):
    answer = onerecord("dedupe", written(tmp_path / "people.csv"), "--out", "clusters.csv", "--pairs", "pairs.csv")
    assert answer.code == 0, answer.told
    found = read("clusters.csv")
    assert [row["Kundennr"] for row in found] == [row[0] for row in ROWS], "one line per record, in order"
    assert together(found, "Kundennr") == TWINS
    place = {row[0]: number for number, row in enumerate(ROWS)}
    assert all(place[row["cluster"]] <= place[row["Kundennr"]] for row in found), "called after its first record"
    pairs = read("pairs.csv")
    assert {tuple(sorted((pair["a"], pair["b"]))) for pair in pairs if pair["band"] == "same"} >= TWINS
    assert set(pairs[0]) == {"a", "b", "rule", "weight", "probability", "band"}
    for word in ("Geburtsdatum", "date", "Kü100", "--column", "--ignore"):
        assert word in answer.err
    for word in ("160 records", "120 clusters", "40 duplicates", "█", "Cluster Kü", "clusters.csv has a line"):
        assert word in " ".join(answer.out.split())


def test_the_report_is_one_object_without_values_of_the_file(tmp_path):
    found = report(written(tmp_path / "people.csv"), "--model", "model.json")
    assert (found["records"], found["clusters"], found["duplicates"]) == (160, 120, 40)
    assert found["sizes"] == {"1": 80, "2": 40}
    assert found["id"] == "Kundennr"
    assert {column["name"]: column["kind"] for column in found["columns"]} == {
        "Kundennr": "id",
        "Vorname": "given_name",
        "Nachname": "family_name",
        "Geburtsdatum": "date",
        "E-Mail": "email",
        "Telefon": "phone",
        "Ort": "city",
    }
    assert found["pairs"]["compared"] >= found["pairs"]["same"] >= 40
    assert found["seconds"]["total"] > 0
    text = json.dumps(found, ensure_ascii=False)
    assert not any(value in text for row in ROWS for value in row[1:5] if value)
    assert json.loads(Path("model.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("separator", "encoding"), [(";", "cp1252"), ("\t", "utf-16"), ("|", "utf-8-sig"), (",", "utf-8")]
)
def test_separator_and_encoding_are_found(tmp_path, separator, encoding):
    path = written(tmp_path / "people.csv", separator=separator, encoding=encoding)
    answer = onerecord("dedupe", path, "--out", "clusters.parquet")
    assert answer.code == 0, answer.told
    assert together(pq.read_table("clusters.parquet").to_pylist(), "Kundennr") == TWINS


def test_an_umlaut_in_the_last_row_of_a_large_file_decides_its_encoding(tmp_path):
    many = [[f"A{number}", "Jo", f"Smith{number}", "01.02.1980", "", "", "Bern"] for number in range(8000)]
    written(tmp_path / "people.csv", rows=[*many, ["Z", "Björn", "Götz", "", "", "", ""]], encoding="cp1252")
    assert "Windows-1252" in report("people.csv", "--ignore", "Ort")["read_as"]


def test_parquet_in_and_out_keeps_the_type_of_the_id(tmp_path):
    columns = {name: [row[place] or None for row in ROWS] for place, name in enumerate(HEADER)}
    table = pa.table({**columns, "Kundennr": pa.array(range(5000, 5000 + len(ROWS)), pa.int64())})
    pq.write_table(table, "people.parquet")
    assert report("people.parquet", "--out", "clusters.parquet")["duplicates"] == 40
    found = pq.read_table("clusters.parquet")
    assert found.schema.field("cluster").type == pa.int64()
    assert found["Kundennr"].to_pylist() == table["Kundennr"].to_pylist()


def test_what_is_no_text_is_ignored_or_refused_in_one_line(tmp_path):
    columns = {name: [row[place] or None for row in ROWS] for place, name in enumerate(HEADER)}
    table = pa.table({**columns, "key": pa.array([b"\xff\xfe"] * len(ROWS)), "Ort": [[row[6]] for row in ROWS]})
    pq.write_table(table, "people.parquet")
    found = report("people.parquet")
    assert found["duplicates"] == 40
    assert {one["name"] for one in found["columns"] if one["kind"] == "ignored"} == {"key", "Ort"}
    for said in (("--id", "key"), ("--column", "Ort=city")):
        answer = onerecord("dedupe", "people.parquet", *said)
        assert answer.code == 2
        assert "holds lists or bytes, not text" in answer.err.splitlines()[-1]
        assert "Traceback" not in answer.told


def test_what_the_user_says_wins_over_the_guess(tmp_path):
    path = written(tmp_path / "people.csv")
    said = report(path, "--id", "Kundennr", "--ignore", "Ort", "--ignore", "Telefon", "--column", "Nachname=text")
    kinds = {column["name"]: column["kind"] for column in said["columns"]}
    assert (kinds["Ort"], kinds["Telefon"], kinds["Nachname"]) == ("ignored", "ignored", "text")


def test_without_an_id_the_records_are_numbered(tmp_path):
    written(tmp_path / "people.csv", rows=[row[1:] for row in ROWS], header=HEADER[1:])
    assert report("people.csv", "--out", "clusters.csv")["id"] == "row"
    found = read("clusters.csv")
    assert [row["row"] for row in found] == [str(number) for number in range(1, 161)]
    numbers = {row[0]: str(number) for number, row in enumerate(ROWS, start=1)}
    assert together(found, "row") == {tuple(sorted(numbers[key] for key in twins)) for twins in TWINS}


def test_rows_with_too_many_or_few_fields_are_left_out_and_named_by_their_line(tmp_path):
    lines = Path(written(tmp_path / "people.csv", rows=[row[1:] for row in ROWS], header=HEADER[1:])).read_text()
    first, second, *rest = lines.splitlines()
    Path("bad.csv").write_text("\n".join([first, second, "too,few", "", "a,b,c,d,e,f,too many", *rest]) + "\n")
    answer = onerecord("dedupe", "bad.csv", "--out", "clusters.csv")
    assert answer.code == 0, answer.told
    assert "2 rows are left out" in answer.told
    assert "line 3 (2 fields)" in answer.told
    assert "line 5 (7 fields)" in answer.told
    assert [row["row"] for row in read("clusters.csv")] == ["1", *map(str, range(4, 163))], "numbers are the file's"


def test_a_missing_header_line_is_noticed(tmp_path):
    path = written(tmp_path / "people.csv", header=ROWS[0], rows=ROWS[1:])
    assert "The first line looks like a record" in onerecord("dedupe", path).told
    assert "The first line looks like a record" in report(path)["warnings"][0]
    assert report(written(tmp_path / "people.csv"))["warnings"] == []


def test_values_cannot_steer_the_terminal_nor_pass_as_markup(tmp_path):
    rows = [[*row[:2], f"{row[2]}[/bold]\x1b[31m", *row[3:]] for row in ROWS]
    answer = onerecord("dedupe", written(tmp_path / "people.csv", rows=rows))
    assert answer.code == 0, answer.told
    assert "[/bold]" in answer.told
    assert "\x1b" not in answer.told


def test_it_needs_neither_settings_nor_the_libraries_of_the_hub(tmp_path):
    Path("onerecord.toml").write_text("this is no TOML")
    path = written(tmp_path / "people.csv")
    code = (
        "import sys; from orchestration.cli import main\n"
        "try: main()\n"
        "finally: print({'dagster', 'sqlalchemy', 'great_expectations', 'alembic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, "dedupe", path], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"name,city\n", "a header of 2 columns, name, city, and no rows"),
        (b"name,city\nAnna\nBert\n", "none of its 2 rows has as many fields"),
        (b'name,city\nAnna,"Bern\nBert,Ulm\nCarl,Graz\n', "the quote that opens in record 1 is never closed"),
        (b'name,city\nAnna,Bern\n"Bert,Ulm\nCarl,Graz\n', "the quote that opens in record 2 is never closed"),
        (b"PK\x03\x04rest of a workbook", "save the sheet as CSV"),
        (b"PAR1 and no more", "damaged Parquet"),
        (b"\x00\x01\x02\x03", "neither CSV nor Parquet"),
        (b"name,city\n\x81\x8d,Bern\n", "neither in UTF-8 nor in Windows-1252"),
        (b"name,name\nAnna,Bern\n", "'name' is there 2 times"),
        (b"id,note\n1,\n2,\n", "no column is left to compare"),
    ],
)
def test_a_file_that_is_no_table_is_told_in_one_line(tmp_path, content, words):
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    answer = onerecord("dedupe", str(path))
    assert answer.code == 2
    assert words in answer.err
    assert [line for line in answer.err.splitlines() if "error" in line] == answer.err.splitlines()[-1:]
    assert "Traceback" not in answer.told
    assert answer.out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody.csv",), "there is no file nobody.csv"),
        ((".",), "is a folder"),
        (("people.csv", "--id", "Kundenr"), "did you mean 'Kundennr'"),
        (("people.csv", "--id", "Ort"), "'Ort' does not name the records"),
        (("people.csv", "--ignore", "Stadt"), "no column 'Stadt'"),
        (("people.csv", "--column", "Ort"), "--column Ort: write NAME=KIND"),
        (("people.csv", "--column", "Ort=town"), "there is no kind 'town'; kinds are id, ignored"),
        (("people.csv", "--column", "Stadt=city"), "no column 'Stadt'"),
        (("people.csv", "--out", "clusters.xlsx"), "must end in .csv or .parquet"),
        (("people.csv", "--model", "model.pkl"), "must end in .json"),
        (("people.csv", "--out", "nowhere/clusters.csv"), "nowhere is no folder"),
        (("people.csv", "--out", "people.csv"), "one would overwrite another"),
    ],
)
def test_a_mistake_in_the_call_is_one_line(tmp_path, arguments, words):
    written(tmp_path / "people.csv")
    answer = onerecord("dedupe", *arguments)
    assert answer.code == 2
    assert words in answer.err
    assert answer.err.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in answer.told
    assert answer.out == ""


def test_help_teaches_by_example():
    answer = onerecord("dedupe", "--help", COLUMNS="160")
    assert answer.code == 0
    for word in (
        "onerecord dedupe people.csv --out clusters.csv",
        "--column contact=full_name",
        "house_number",
        "first record",
    ):
        assert word in answer.out


def test_a_plan_shows_the_rules_and_their_pairs_and_writes_nothing(tmp_path: Path) -> None:
    file = written(tmp_path / "people.csv")
    answer = onerecord("dedupe", file, "--plan", "--out", str(tmp_path / "out.csv"))
    assert answer.code == 0
    assert "together" in answer.out
    assert "Nachname" in answer.out
    assert not (tmp_path / "out.csv").exists()
