"""Entity resolution as a pure library: an arrow table in; scored, explained pairs and clusters out."""

from dedup.blocking import DroppedBlock
from dedup.clusters import cluster, contradicted
from dedup.columns import Prepared
from dedup.dedupe import Deduped, dedupe, plan
from dedup.evaluation import evaluate
from dedup.explain import explain
from dedup.index import Index, keys, match_pairs
from dedup.kinds import Kind
from dedup.learn import calibrate, next_to_ask
from dedup.mapping import Guess, guess
from dedup.matching import MatchResult, Report, contradictions, match
from dedup.model import Model
from dedup.organizations import ORGANIZATION
from dedup.persons import PERSON
from dedup.spec import MatchSpec, Thresholds, standardise
from dedup.train import train

__all__ = [
    "ORGANIZATION",
    "PERSON",
    "Deduped",
    "DroppedBlock",
    "Guess",
    "Index",
    "Kind",
    "MatchResult",
    "MatchSpec",
    "Model",
    "Prepared",
    "Report",
    "Thresholds",
    "calibrate",
    "cluster",
    "contradicted",
    "contradictions",
    "dedupe",
    "evaluate",
    "explain",
    "guess",
    "keys",
    "match",
    "match_pairs",
    "next_to_ask",
    "plan",
    "standardise",
    "train",
]
