"""The hub's secret key: what signs sessions, and what signatures of webhooks are derived from."""

import os
import secrets
from pathlib import Path

from hub.settings import Settings, make_data_dir


def secret_key(settings: Settings) -> str:
    """settings.secret_key, else a random one that is kept in data_dir/session.key, readable by its owner only."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    path = settings.data_dir / "session.key"
    make_data_dir(path.parent)
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(32))
    return path.read_text().strip()


def _write_once(path: Path, content: str) -> None:
    """Complete or not at all, and the first of two processes wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
