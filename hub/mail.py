"""Sending mail: over one connection to the server of the settings, each message for itself."""

import contextlib
import datetime as dt
import smtplib
import ssl
from collections import deque
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from typing import NamedTuple

from hub.errors import ConfigurationError, OneRecordError
from hub.sections.mail import MailSettings

OFF = "mail is off, since no server is set: fill in the section mail of onerecord.toml"
PATIENCE = 20  # seconds that the server may take to connect
TAKING = 300  # seconds that it may take with a mail, which some look through before they say that they have it
REFUSED = 500  # codes of answers from here on say no; those below, such as 450 of greylisting, say not now


class MailError(OneRecordError):
    """The mail server did not take anything: it does not answer, or refuses the sign-in."""


class NotTaken(NamedTuple):
    """Why the server did not take a message, and whether asking again may help. Names no address."""

    why: str
    for_good: bool = False


def send(settings: MailSettings | None, messages: Sequence[EmailMessage]) -> dict[int, NotTaken]:
    """Send messages that have To, Subject and a body; From, Date and Message-ID are set here.

    Returns why messages were not taken, by their place in `messages`; the others were. Where the connection breaks,
    those behind get another.

    Raises:
        ConfigurationError: there are no settings for mail.
        MailError: nothing was sent; says why, and it may be tried again.
    """
    if settings is None:
        raise ConfigurationError(OFF)
    for message in messages:
        for name, value in _headers(settings.sender).items():
            del message[name]
            message[name] = value
    left, problems = deque(enumerate(messages)), dict[int, NotTaken]()
    while left:
        try:
            with _connected(settings) as server:
                problems |= _send_some(server, left)
        except MailError as error:
            if len(left) == len(messages):
                raise
            return problems | {place: NotTaken(str(error)) for place, _ in left}
    return problems


def _send_some(server: smtplib.SMTP, left: deque[tuple[int, EmailMessage]]) -> dict[int, NotTaken]:
    """Take from those that are left and send them, until the connection breaks; returns why some were not taken."""
    problems = {}
    while left and server.sock is not None:
        place, message = left.popleft()
        problem = _sent(server, message)
        if problem is not None:
            problems[place] = problem
    return problems


def _headers(sender: str) -> dict[str, str | dt.datetime]:
    return {"From": sender, "Date": localtime(), "Message-ID": make_msgid(domain=sender.partition("@")[2])}


@contextlib.contextmanager
def _connected(settings: MailSettings) -> Iterator[smtplib.SMTP]:
    where = f"{settings.host}:{settings.port}"
    try:
        server = _open(settings)
    except smtplib.SMTPAuthenticationError:
        raise MailError(f"the mail server {where} refuses mail.user and mail.password") from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailError(f"the mail server {where} cannot be used ({type(error).__name__}); nothing was sent") from None
    try:
        yield server
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()


def _open(settings: MailSettings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if settings.tls == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=PATIENCE, context=context)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=PATIENCE)
    try:
        if settings.tls == "starttls":
            server.starttls(context=context)
        if settings.user is not None and settings.password is not None:
            server.login(settings.user, settings.password.get_secret_value())
        if server.sock is not None:
            server.sock.settimeout(TAKING)
    except BaseException:
        server.close()
        raise
    return server


def _sent(server: smtplib.SMTP, message: EmailMessage) -> NotTaken | None:
    """Why the server did not take a message; None where it did."""
    try:
        server.send_message(message)
    except smtplib.SMTPServerDisconnected:
        return NotTaken("the connection broke")
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        return NotTaken("the address was refused", for_good=min(codes) >= REFUSED)
    except smtplib.SMTPResponseException as error:
        return NotTaken(f"the server answered {error.smtp_code}", for_good=error.smtp_code >= REFUSED)
    except (smtplib.SMTPException, ValueError) as error:
        return NotTaken(type(error).__name__, for_good=True)
    except OSError as error:
        return NotTaken(type(error).__name__)
    return None
