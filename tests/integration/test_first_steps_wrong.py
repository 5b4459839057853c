"""What is wrong with a new installation is told before anything is started, with the exit code of a setting."""

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from connectors import registry
from hub import settings
from hub.db.engine import create_if_missing, open_database
from hub.errors import ConfigurationError
from hub.settings import SourceSettings


def source(**given):
    base = {"name": "crm", "system": "stripe", "department": "finance", "base_url": "http://127.0.0.1:9"}
    return SourceSettings.model_validate(base | given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"system": "sap"}, "no connector for system 'sap'"),
        ({}, "source crm: credentials.api_key is missing"),
        ({"system": "salesforce", "credentials": {"client_id": "x"}}, "source crm: credentials.client_secret"),
        ({"system": "hubspot"}, "source crm: credentials.token is missing"),
        ({"system": "zendesk", "credentials": {"email": "x"}}, "source crm: credentials.api_token is missing"),
        ({"credentials": {"api_key": "x"}, "options": {"nonsense": 1}}, "source crm: options: nonsense"),
    ],
)
def test_a_source_that_cannot_be_read_as_configured_is_told_without_asking_it(given, told):
    with pytest.raises(ConfigurationError, match=told):
        registry.check([source(**given)])


def test_a_data_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"data_dir: .*file cannot be made a folder"):
        settings.make_data_dir(tmp_path / "file")


def test_a_database_that_we_may_not_create_is_told(database_url):
    server = make_url(database_url)
    admin = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS first_steps")
        connection.execute("CREATE ROLE first_steps LOGIN")
        try:
            with pytest.raises(ConfigurationError, match="'nowhere' does not answer and cannot be created"):
                create_if_missing(server.set(username="first_steps", database="nowhere"))
        finally:
            connection.execute("DROP ROLE first_steps")


def test_a_database_of_another_make_is_refused_by_name():
    given = settings.Settings(database_url=SecretStr("mysql://someone:secret@127.0.0.1/onerecord"))
    with pytest.raises(ConfigurationError, match="postgresql://") as caught, open_database(given):
        pass
    assert "secret" not in str(caught.value)
