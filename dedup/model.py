"""A trained matching model: readable parameters with the report of their training."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from dedup.columns import Floats
from dedup.dependence import Bond
from dedup.derive import derive
from dedup.kinds import Kind
from dedup.namesakes import Namesakes
from dedup.organizations import ORGANIZATION
from dedup.persons import PERSON
from dedup.spec import MatchSpec
from dedup.standardise.fields import Field
from dedup.terms import Terms
from dedup.weigh import Parameters, Patterns, Weights, pattern_weights

TABLE = "table"
# Patterns of one search; a run over everything meets some ten thousand, and each of them once.
_FEW_PATTERNS = 200
SPECS = {spec.name: spec for spec in (PERSON, ORGANIZATION)}


@dataclass(frozen=True)
class Model:
    """Parameters of one kind.

    `prior` is the chance that two records drawn at random are one customer; m and u are shares per comparison, level by
    level, "missing" left out. A model of the kind "table" is one of a table with columns of its own: it holds the
    `fields` that are compared and the `rules` by which candidates are found. `offset` are the bits by which people's
    judgements moved the evidence.
    """

    kind: str
    prior: float
    m: Mapping[str, tuple[float, ...]]
    u: Mapping[str, tuple[float, ...]]
    terms: Terms
    bonds_m: tuple[Bond, ...] = ()
    bonds_u: tuple[Bond, ...] = ()
    namesakes: tuple[Namesakes, ...] = ()
    fields: tuple[Field, ...] = ()
    rules: tuple[tuple[str, ...], ...] = ()
    offset: float = 0.0
    report: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def spec(self) -> MatchSpec:
        return SPECS[self.kind] if self.kind in SPECS else derive(self.fields, self.rules)

    @cached_property
    def learned(self) -> Parameters:
        m, u = ({name: np.array(several) for name, several in shares.items()} for shares in (self.m, self.u))
        return Parameters(m, u, self.bonds_m, self.bonds_u, self.namesakes)

    def weights(self, patterns: Patterns) -> Weights:
        """The weights of distinct patterns, as `pattern_weights` gives them: a few are kept, for they come again."""
        if len(patterns) > _FEW_PATTERNS:
            return pattern_weights(patterns, self.spec, self.learned)
        wanted, known = patterns.tolist(), self._weights
        new = [pattern for pattern in wanted if pattern not in known]
        if new:
            found = pattern_weights(np.array(new, dtype=np.int64), self.spec, self.learned)
            known.update(zip(new, zip(found.fields, found.ceiling.tolist(), strict=True), strict=True))
        fields = np.array([known[pattern][0] for pattern in wanted]).reshape(len(wanted), len(self.spec.comparisons))
        return Weights(fields, np.array([known[pattern][1] for pattern in wanted]))

    @cached_property
    def _weights(self) -> dict[int, tuple[Floats, float]]:
        return {}

    @property
    def prior_bits(self) -> float:
        """What is known before two records are compared, judgements of people included."""
        return math.log2(self.prior / (1.0 - self.prior)) + self.offset

    @cached_property
    def version(self) -> str:
        """Kind and content hash of the parameters: the same parameters have the same version.

        To nine significant digits: sums of the same numbers in another order differ from the sixteenth on.
        """
        content = json.dumps(_rounded(self._parameters()), sort_keys=True, separators=(",", ":"))
        return f"{self.kind}-{blake2b(content.encode(), digest_size=6).hexdigest()}"

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-able values; `Model.from_dict` gives the same model back."""
        return {**self._parameters(), "version": self.version, "report": dict(self.report)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Model":
        """Raises ValueError if the parameters are of an unknown kind or do not fit the levels of its specification."""
        kind = data["kind"]
        if kind not in SPECS and kind != TABLE:
            raise ValueError(f"no matching specification for {kind!r}; known: {', '.join(sorted((*SPECS, TABLE)))}")
        levels = data["levels"]
        fields = tuple(
            Field(one["name"], one["column"], Kind(one["kind"]), one.get("whole")) for one in data.get("fields", ())
        )
        rules = tuple(tuple(rule) for rule in data.get("rules", ()))
        spec = SPECS[kind] if kind in SPECS else derive(fields, rules)
        names = [comparison.name for comparison in spec.comparisons]
        for comparison in spec.comparisons:
            labels = [one["label"] for one in levels.get(comparison.name, [])]
            if labels != [level.label for level in comparison.levels]:
                raise ValueError(f"the stored model does not fit: the levels of {comparison.name} changed; train again")
        return cls(
            kind=kind,
            prior=data["prior"],
            m={name: tuple(one["m"] for one in several) for name, several in levels.items()},
            u={name: tuple(one["u"] for one in several) for name, several in levels.items()},
            terms=Terms.from_dict(data["terms"]),
            bonds_m=tuple(Bond.from_dict(bond, names) for bond in data.get("bonds_m", ())),
            bonds_u=tuple(Bond.from_dict(bond, names) for bond in data.get("bonds_u", ())),
            namesakes=tuple(Namesakes.from_dict(one, spec) for one in data.get("namesakes", ())),
            fields=fields,
            rules=rules,
            offset=data.get("offset", 0.0),
            report=data.get("report", {}),
        )

    def _parameters(self) -> dict[str, Any]:
        levels = {
            comparison.name: [
                {"label": level.label, "m": m, "u": u}
                for level, m, u in zip(comparison.levels, self.m[comparison.name], self.u[comparison.name], strict=True)
            ]
            for comparison in self.spec.comparisons
        }
        found = {
            "kind": self.kind,
            "prior": self.prior,
            "offset": self.offset,
            "levels": levels,
            "terms": self.terms.to_dict(),
        }
        if self.kind != TABLE:
            return found
        names = [comparison.name for comparison in self.spec.comparisons]
        return {
            **found,
            "fields": [{**asdict(one), "kind": one.kind.value} for one in self.fields],
            "rules": [list(rule) for rule in self.rules],
            "bonds_m": [bond.to_dict(names) for bond in self.bonds_m],
            "bonds_u": [bond.to_dict(names) for bond in self.bonds_u],
            "namesakes": [one.to_dict(self.spec) for one in self.namesakes],
        }


def _rounded(value: Any) -> Any:
    """Parameters with every number to nine significant digits; a negative zero is none."""
    if isinstance(value, float):
        return float(f"{value:.9g}") + 0.0
    if isinstance(value, Mapping):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
