"""A trained matching model: readable parameters with the report of their training."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from dedup.organizations import ORGANIZATION
from dedup.persons import PERSON
from dedup.spec import MatchSpec
from dedup.terms import Terms

SPECS = {spec.name: spec for spec in (PERSON, ORGANIZATION)}


@dataclass(frozen=True)
class Model:
    """Parameters of one kind.

    `prior` is the chance that two records drawn at random are one customer; m and u are shares per comparison, level by
    level, "missing" left out.
    """

    kind: str
    prior: float
    m: Mapping[str, tuple[float, ...]]
    u: Mapping[str, tuple[float, ...]]
    terms: Terms
    report: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def spec(self) -> MatchSpec:
        return SPECS[self.kind]

    @property
    def prior_bits(self) -> float:
        return math.log2(self.prior / (1.0 - self.prior))

    @property
    def version(self) -> str:
        """Kind and content hash of the parameters: the same parameters have the same version."""
        content = json.dumps(self._parameters(), sort_keys=True, separators=(",", ":"))
        return f"{self.kind}-{blake2b(content.encode(), digest_size=6).hexdigest()}"

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-able values; `Model.from_dict` gives the same model back."""
        return {**self._parameters(), "version": self.version, "report": dict(self.report)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Model":
        """Raises ValueError if the parameters are of an unknown kind or do not fit the levels of its specification."""
        kind = data["kind"]
        if kind not in SPECS:
            raise ValueError(f"no matching specification for {kind!r}; known: {', '.join(sorted(SPECS))}")
        levels = data["levels"]
        for comparison in SPECS[kind].comparisons:
            labels = [one["label"] for one in levels.get(comparison.name, [])]
            if labels != [level.label for level in comparison.levels]:
                raise ValueError(f"the stored model does not fit: the levels of {comparison.name} changed; train again")
        return cls(
            kind=kind,
            prior=data["prior"],
            m={name: tuple(one["m"] for one in several) for name, several in levels.items()},
            u={name: tuple(one["u"] for one in several) for name, several in levels.items()},
            terms=Terms.from_dict(data["terms"]),
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
        return {"kind": self.kind, "prior": self.prior, "levels": levels, "terms": self.terms.to_dict()}
