"""The one place where errors of the hub are named.

Every error says what happened, to which record, and what to do. Messages carry ids, never personal data.
"""


class OneRecordError(Exception):
    """Base of all errors that a user can act on; the CLI prints them without a traceback."""

    exit_code = 1


class ConfigurationError(OneRecordError):
    """A setting is missing or wrong; names the setting."""

    exit_code = 2


class SourceError(OneRecordError):
    """A source could not be read. Permanent unless it is a TransientSourceError."""

    def __init__(self, source: str, stream: str, problem: str, *, advice: str = "") -> None:
        self.source, self.stream, self.problem, self.advice = source, stream, problem, advice
        super().__init__(f"{source}/{stream}: {problem}" + (f" -> {advice}" if advice else ""))


class TransientSourceError(SourceError):
    """The source may answer later: 408, 429, 5xx, a broken connection, a page cut off."""


class MappingError(OneRecordError):
    """One source record does not fit the canonical model; it goes to quarantine under this reason."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        self.reason, self.field = reason, field
        super().__init__(f"{field}: {reason}" if field else reason)


class PublicationHeldError(OneRecordError):
    """A critical check failed, so nothing was published; names the checks."""

    exit_code = 3


class BrokenCheckError(OneRecordError):
    """A quality check could not be judged (a column is gone, its SQL is wrong): no verdict, neither good nor bad."""


class NotFoundError(OneRecordError):
    """Nothing is known under the id that was given."""

    exit_code = 4


class ConflictError(OneRecordError):
    """Somebody else changed what this act was based on; says what changed."""

    exit_code = 5


class NotAllowedError(OneRecordError):
    """Whoever asks has no right to do this; says whose right it is."""
