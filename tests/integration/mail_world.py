"""The world of the tests of mail: a real SMTP server, and people with addresses."""

from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from hub import users
from hub.coach import owners
from hub.sections.mail import MailSettings
from hub.settings import Settings
from orchestration.processes import free_port
from tests.webworld import PASSWORD

ADDRESSES = {"sven.holm": "sven@ourcompany.example", "lea": "lea@ourcompany.example", "boss": "boss@ourcompany.example"}


class Inbox:
    """What a mail server took, by recipient.

    It refuses those in `refused`, puts off those in `busy`, and drops the connection once it has `most` mails.
    """

    def __init__(self) -> None:
        self.mails: list = []
        self.refused: set[str] = set()
        self.busy: set[str] = set()
        self.most: int | None = None

    async def handle_RCPT(self, server, _session, envelope, address, _options):  # noqa: N802  # aiosmtpd's name
        if self.most is not None and len(self.mails) >= self.most:
            server.transport.close()
        if address in self.refused:
            return "550 nobody of this name"
        if address in self.busy:
            return "450 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope.rcpt_tos[0], parsed))
        return "250 taken"

    def take(self) -> dict:
        """What came since the last look."""
        taken, self.mails = self.mails, []
        assert len({to for to, _ in taken}) == len(taken), "nobody gets two"
        return dict(taken)


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def smtp_port(inbox):
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(0))
    controller.start()
    yield controller.port
    controller.stop()


def settings(port: int, **more) -> Settings:
    given = {"host": "127.0.0.1", "port": port, "tls": "none", "from": "onerecord@ourcompany.example"}
    return Settings(mail=MailSettings(**given), public_url="https://hub.example", **more)


@pytest.fixture
def staffed(world):
    """The world, with an owner, a lead of sales, an admin, and somebody without an address."""
    with world.begin() as connection:
        for name, role, held in (("sven.holm", "reader", ()), ("lea", "lead", ("sales",)), ("boss", "admin", ()),
                                 ("mo", "lead", ("marketing",)), ("rita", "reader", ())):  # fmt: skip
            users.add(connection, name, role, held, PASSWORD, actor="test")
            if name != "rita":
                email = ADDRESSES.get(name, f"{name}@ourcompany.example")
                users.set_contact(connection, name, email=email, team="", actor="test")
        owners.own(connection, "sven.holm", "crm", "U1", actor="test")
        connection.execute(
            text(
                "UPDATE canonical.opportunity SET name = E'Cranes\\r\\nBcc: all@x.example' WHERE ref = 'crm:Opportunity:0'"
            )
        )
    return world
