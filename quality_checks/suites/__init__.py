"""All checks, as data. Importing them does not load Great Expectations."""

from hub.errors import NotFoundError
from quality_checks.check import Check
from quality_checks.suites import golden, landing, opportunities

CHECKS: tuple[Check, ...] = (*landing.CHECKS, *opportunities.CHECKS, *golden.CHECKS)
SUITES: tuple[str, ...] = (landing.SUITE, opportunities.SUITE, golden.SUITE)


def suite(name: str) -> tuple[Check, ...]:
    """The checks of one suite.

    Raises:
        NotFoundError: there is no such suite; says which there are.
    """
    if name not in SUITES:
        raise NotFoundError(f"there is no suite {name!r}; there are {', '.join(SUITES)}")
    return tuple(check for check in CHECKS if check.suite == name)
