"""The benchmark's ruler and its table, without the peers."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import datasets, environments, running
from benchmarks.datasets import Source, known, prepare
from benchmarks.environments import OWN, UnavailableError, python_of
from benchmarks.measure import best_f1, blocking_recall, components, quality
from benchmarks.report import markdown
from benchmarks.running import Engine, Result, run_once

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


def _ids(*values):
    return np.array(values, dtype=np.int64)


@given(LABELS)
def test_quality_counts_the_pairs_that_share_a_cluster(labels):
    rows = list(combinations(labels, 2))
    joined, expected = (sum(one[side] == other[side] for one, other in rows) for side in (0, 1))
    right = sum(one == other for one, other in rows)
    found = quality(_ids(*(one for one, _ in labels)), _ids(*(other for _, other in labels)))
    assert found.precision == pytest.approx(right / joined if joined else 1)
    assert found.recall == pytest.approx(right / expected if expected else 1)
    assert found.f1 == pytest.approx(2 * right / (joined + expected) if joined + expected else 1)


def test_blocking_recall_counts_a_true_pair_once_in_any_order():
    truth = _ids(7, 7, 7, 8, 8)
    assert blocking_recall(_ids(0, 1, 0, 2), _ids(1, 0, 1, 3), truth) == pytest.approx(1 / 4)
    assert blocking_recall(_ids(0, 2, 1, 4), _ids(1, 0, 2, 3), truth) == 1


def _scored(rng, wrong_from):
    """200 entities of two rows; each true pair scores above 0.8, and as many wrong ones below `wrong_from`."""
    truth = np.repeat(np.arange(200), 2)
    right = np.arange(0, 400, 2)
    scores = np.concatenate([rng.uniform(0.8, 1.0, 200), rng.uniform(0.0, wrong_from, 200)])
    a, b = np.concatenate([right, right[:-1], [0]]), np.concatenate([right + 1, right[:-1] + 3, [399]])
    return a, b, scores, truth


def test_the_best_threshold_divides_right_from_wrong_pairs():
    a, b, scores, truth = _scored(np.random.default_rng(3), wrong_from=0.7)
    found, threshold = best_f1(a, b, scores, truth, components)
    assert found == 1
    assert threshold == scores[:200].min()


def test_the_best_threshold_is_within_a_hundredth_of_the_best_of_all():
    a, b, scores, truth = _scored(np.random.default_rng(5), wrong_from=0.95)
    found, _ = best_f1(a, b, scores, truth, components)
    above = [scores >= threshold for threshold in scores]
    every = [quality(components(400, a[keep], b[keep], scores[keep]), truth).f1 for keep in above]
    assert max(every) - 0.01 <= found <= max(every)


def test_pairs_of_one_score_are_joined_together_or_not_at_all():
    truth = _ids(1, 1, 2, 2, 3)
    tried = []

    def cluster(rows, a, b, scores):
        tried.append(len(a))
        return components(rows, a, b, scores)

    found, threshold = best_f1(_ids(0, 2, 1), _ids(1, 3, 4), np.array([0.9, 0.9, 0.4]), truth, cluster)
    assert (found, threshold) == (1, 0.9)
    assert set(tried) == {2, 3}


def test_without_pairs_there_is_no_best_threshold():
    found, threshold = best_f1(_ids(), _ids(), np.array([]), _ids(1, 2), components)
    assert found == 0
    assert np.isnan(threshold)


def test_the_table_shows_our_share_of_the_seconds_and_why_an_engine_has_none():
    ours = Result("people", "onerecord", 10, setup="none", seconds=0.5, f1=0.99)
    theirs = Result("people", "splink", 10, setup="hand-written", seconds=10.0, f1=0.9)
    without = Result("people", "goldenmatch", 10, problem="not available")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown([ours, theirs, without]).splitlines()]
    ratio, setup, f1 = (rows[0].index(name) for name in ("ours / theirs", "set-up", "F1 at default"))
    assert [row[ratio] for row in rows[2:]] == ["", "0.050", ""]
    assert [row[setup] for row in rows[2:]] == ["none", "hand-written", "not available"]
    assert [row[f1] for row in rows[2:]] == ["0.9900", "0.9000", ""]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(running, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results")
    return tmp_path


def test_neither_the_truth_nor_an_id_reaches_an_engine(folder):
    table = pa.table({"rec_id": ["rec-1-org", "rec-1-dup-0"], "name": ["Ann", "Anne"], "cluster": [1, 1]})
    pq.write_table(table, folder / "mine.parquet")
    dataset = prepare(known([], folder)["mine"])
    given_to_engines = pq.read_table(dataset.records)
    assert given_to_engines.column_names == ["unique_id", "name"]
    assert given_to_engines["unique_id"].to_pylist() == [0, 1]
    assert len(set(dataset.truth().tolist())) == 1


def test_a_file_without_truth_is_refused(folder):
    pq.write_table(pa.table({"name": ["Ann"]}), folder / "mine.parquet")
    with pytest.raises(UnavailableError, match="no column 'cluster'"):
        prepare(Source("mine", file=folder / "mine.parquet"))


def test_an_engine_that_fails_says_so(folder):
    pq.write_table(pa.table({"name": ["Ann"], "cluster": [1]}), folder / "mine.parquet")
    dataset = prepare(Source("mine", file=folder / "mine.parquet"))
    with pytest.raises(UnavailableError, match=r"failed: .*no_such_engine"):
        run_once(Engine("theirs", "no_such_engine", OWN), dataset, folder / "out")


def test_an_environment_that_cannot_be_installed_says_why(tmp_path, monkeypatch):
    (tmp_path / "requirements-theirs.txt").write_text("./a-package-that-is-not-there\n")
    monkeypatch.setattr(environments, "HERE", tmp_path)
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "envs")
    with pytest.raises(UnavailableError, match=r"environment of theirs cannot be installed: .*a-package-that-is-not"):
        python_of("theirs")


def test_the_table_goes_on_without_an_engine_and_without_a_set(folder, monkeypatch):
    def refuse(name):
        raise UnavailableError(f"the environment of {name} cannot be installed: no network")

    monkeypatch.setattr(command, "python_of", refuse)
    monkeypatch.setattr(datasets, "python_of", refuse)
    pq.write_table(pa.table({"name": ["Ann"], "cluster": [1]}), folder / "mine.parquet")
    arguments = ["--data", str(folder), "--sets", "mine,febrl1", "--engines", "recordlinkage"]
    done = CliRunner().invoke(command.app, arguments)
    assert done.exit_code == 0, done.output
    assert (
        "recordlinkage: not available: the environment of recordlinkage cannot be installed: no network" in done.output
    )
    lines = (folder / "results" / "latest.md").read_text().splitlines()
    assert [[cell.strip() for cell in line.split("|")[1:4]] for line in lines[2:]] == [
        ["febrl1", "", "not available"],
        ["mine", "recordlinkage", "not available"],
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--engines", "splunk"], "no engine 'splunk'"), (["--sets", "febrl9"], "no set 'febrl9'")],
)
def test_unknown_names_are_refused_with_those_that_there_are(arguments, message):
    done = CliRunner().invoke(command.app, arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert "there are" in done.output
