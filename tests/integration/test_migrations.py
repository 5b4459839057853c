"""Migrations are taken back and made again, with data in the tables."""

from alembic import command
from sqlalchemy import Engine, text

from hub.db import migrate
from tests.webworld import world, world_template

__all__ = ["world", "world_template"]


def test_migrations_can_be_taken_back_and_made_again(world: Engine):
    for version in ("0023", "0001"):
        with world.begin() as connection:
            command.downgrade(migrate.config(connection), version)
        if version == "0023":
            with world.connect() as connection:
                connection.execute(text("SELECT * FROM canonical.judged_contact"))  # 0024 has no use for it
    assert migrate.current(world) == "0001"
    migrate.upgrade(world)
    migrate.check(world)
