"""Changes of settings that can be tried before they go live: read, checked as the settings are, and written as TOML."""

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from hub.errors import ConfigurationError
from hub.settings import Settings

MOST_BYTES = 100_000  # of a file; all that can be changed fits into one of a hundredth
TRIABLE = ("gate", "hygiene", "match", "review.routes", "source_priority", "survivorship")
_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")

Nested = dict[str, Any]


def read(file: Path | None, said: Iterable[str]) -> Nested:
    """The changes of a TOML file, and of KEY=VALUE, which go before those of the file, as nested tables.

    Raises:
        ConfigurationError: nothing is changed, the file cannot be read, or a KEY=VALUE is none; says which.
    """
    found = _of_file(file) if file is not None else {}
    for one in said:
        found = _merged(found, _of_assignment(one))
    if not found:
        raise ConfigurationError("say what is to be tried: a TOML file, or --set KEY=VALUE")
    return found


def applied(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings as the changes would leave them; lists and values take the place of those in force.

    Raises:
        ConfigurationError: there is no such setting, it is none that can be tried, or a value is out of range.
    """
    for key, _ in leaves(changes):
        _check_key(key)
    update = {name: _checked(settings, name, value) for name, value in changes.items()}
    return settings.model_copy(update=update)


def leaves(changes: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Each changed setting by its dotted name, with its new value."""
    for name, value in changes.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def in_force(settings: Settings, key: str) -> Any:
    """The value of a setting by its dotted name, as TOML would hold it; None where nothing was said of it."""
    value: Any = settings.model_dump(mode="json", include={key.split(".", maxsplit=1)[0]})
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def lines(changes: Mapping[str, Any]) -> list[str]:
    """What is to be put into onerecord.toml: single settings first, since what follows a table belongs to it."""
    tables: dict[str, list[str]] = {}
    for key, value in leaves(changes):
        table, _, name = key.rpartition(".")
        tables.setdefault(table, []).append(f"{name} = {toml(value)}")
    told = tables.pop("", [])
    for table, several in tables.items():
        told += [*([""] if told else []), f"[{table}]", *several]
    return told


def overruled(changes: Mapping[str, Any]) -> list[str]:
    """The environment variables that go before these settings of onerecord.toml."""
    names = {name.upper() for name in os.environ}
    wanted = [
        "ONERECORD_" + "__".join(parts[: count + 1]).upper()
        for key, _ in leaves(changes)
        for parts in (key.split("."),)
        for count in range(len(parts))
    ]
    return [name for name in dict.fromkeys(wanted) if name in names]


def toml(value: Any) -> str:
    """A value as TOML. JSON writes texts, numbers and lists the same way; tables it does not."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _of_file(file: Path) -> Nested:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ConfigurationError(f"{file} is larger than {MOST_BYTES:,} bytes: this is no list of settings")
        return tomllib.loads(content.decode())
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not TOML: {error}") from None


def _of_assignment(said: str) -> Nested:
    key, equals, value = said.partition("=")
    key = key.strip()
    if not equals or not _KEY.fullmatch(key):
        raise ConfigurationError(f"{said!r} is no KEY=VALUE, such as match.same=0.97")
    try:
        found = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        found = {}
    if set(found) != {"value"}:
        raise ConfigurationError(f"{key}: {value!r} is no value of TOML; texts and lists need quotes: '[\"sales\"]'")
    nested: Any = found["value"]
    for name in reversed(key.split(".")):
        nested = {name: nested}
    return dict(nested)


def _check_key(key: str) -> None:
    """Raise ConfigurationError unless the setting is one that can be tried; whether it exists is told by its type."""
    if any(key == one or key.startswith(f"{one}.") for one in TRIABLE):
        return
    top = key.split(".", maxsplit=1)[0]
    if top not in Settings.model_fields:
        raise ConfigurationError(f"{key}: there is no such setting; {', '.join(TRIABLE)} can be tried")
    raise ConfigurationError(
        f"{key} cannot be tried, since it changes no flag, customer or value; {', '.join(TRIABLE)} can"
    )


def _checked(settings: Settings, name: str, value: Any) -> Any:
    """The setting `name` of the top level with the changes in it, held to what the settings are held to."""
    now = getattr(settings, name)
    whole = _merged(now.model_dump(), value) if isinstance(now, BaseModel) and isinstance(value, Mapping) else value
    try:
        return TypeAdapter[Any](Settings.model_fields[name].annotation or Any).validate_python(whole)
    except ValidationError as error:
        told = (f"{'.'.join([name, *map(str, e['loc'])])}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError("; ".join(told)) from None


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> Nested:
    merged = dict(old)
    for name, value in new.items():
        before = merged.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(before, value)
        else:
            merged[name] = value
    return merged
