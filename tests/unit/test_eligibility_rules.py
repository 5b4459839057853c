"""Every rule of contact eligibility on its boundary, with the clock held still."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from hub.eligibility.question import Purpose, Question, Rule, Verdict
from hub.eligibility.rules import Contact, Hold, Known, Now, judge, week_after
from hub.eligibility.settings import EligibilitySettings
from hub.eligibility.zones import zone_of
from hub.golden.consents import Statement
from hub.model.kinds import Channel, Department

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
BERLIN = ZoneInfo("Europe/Berlin")
DEPARTMENT = {
    Rule.COMPLAINT: Department.SUPPORT, Rule.BAD_RATING: Department.SUPPORT, Rule.OVERDUE: Department.FINANCE,
    Rule.PURCHASE: Department.FINANCE, Rule.DECLINED: Department.MARKETING, Rule.REPLY: Department.MARKETING,
}  # fmt: skip


def ago(**given: float) -> dt.datetime:
    return NOW - dt.timedelta(**given)


def said(status="granted", at=None, party="mail:contacts:1", purpose="marketing", channel="email", gone=False):
    at = at or ago(days=100)
    return Statement(party, f"{party}:{status}:{at:%j%H%M%S}:{purpose}", channel, purpose, status, at, gone)


def granted(**given):
    """Somebody who may be contacted on every channel, unless what is given says otherwise."""
    consents = [said(channel=one.value) for one in Channel]
    known = {"living": ["mail:contacts:1"], "zones": {BERLIN}, "statements": consents} | given
    return Known(**known)


def asked(known, purpose=Purpose.MARKETING, channel=Channel.EMAIL, at=NOW, stale=(), settings=None, **question):
    now = Now(at, settings or EligibilitySettings(), frozenset(stale))
    return judge(known, Question(channel, purpose, **question), now)


def hold(rule, since, counted_from=None, topic=None):
    return Hold(rule, DEPARTMENT[rule], "desk:tickets:7", since, counted_from, topic)


def said_of(answer):
    return answer.verdict, answer.reason, answer.not_before


ALLOWED = (Verdict.ALLOW, None, None)


def test_who_consented_may_be_contacted_by_the_record_that_says_so():
    answer = asked(granted())
    assert said_of(answer) == ALLOWED
    assert answer.reach == ("mail:contacts:1",)
    consent = next(finding for finding in answer.findings if finding.rule == Rule.CONSENT)
    assert [one.ref for one in consent.evidence] == [said().ref]


@pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.SALES, Purpose.UPSELL])
def test_without_consent_nobody_is_contacted(purpose):
    assert said_of(asked(granted(statements=[]), purpose)) == (Verdict.DENY, Rule.CONSENT, None)


def test_consent_on_one_channel_is_none_on_another():
    assert asked(granted(statements=[said(channel="sms")])).reason == Rule.CONSENT


def test_an_objection_denies_for_ever_until_given_again():
    withdrawn = said("withdrawn", ago(days=900))
    known = granted(statements=[said(at=ago(days=901)), withdrawn])
    answer = asked(known)
    assert said_of(answer) == (Verdict.DENY, Rule.OBJECTION, None)
    assert [one.ref for one in answer.findings[1].evidence] == [withdrawn.ref]
    known.statements.append(said(at=ago(days=1)))
    assert said_of(asked(known)) == ALLOWED


def test_the_strictest_record_wins_however_old():
    other = said("withdrawn", ago(days=900), party="crm:Contact:2")
    assert asked(granted(statements=[said(at=ago(days=1)), other])).reason == Rule.OBJECTION


def test_a_grant_of_a_record_that_is_gone_is_none_but_its_objection_stays():
    assert asked(granted(statements=[said(gone=True)])).reason == Rule.CONSENT
    assert (
        asked(granted(statements=[said(), said("withdrawn", party="crm:Contact:2", gone=True)])).reason
        == Rule.OBJECTION
    )


def test_a_consent_of_the_future_is_none_yet_and_a_withdrawal_counts_at_once():
    assert asked(granted(statements=[said(at=NOW + SECOND)])).reason == Rule.CONSENT
    assert said_of(asked(granted(statements=[said(at=NOW)]))) == ALLOWED
    wrong_clock = said("withdrawn", ago(days=-400))
    assert asked(granted(statements=[said(), wrong_clock])).reason == Rule.OBJECTION
    assert asked(granted(statements=[wrong_clock, said(at=NOW)])).reason == Rule.OBJECTION, "who says which was last?"


def test_of_a_moment_that_is_over_what_was_withdrawn_since_says_nothing():
    """What is dated after the moment of asking is wrong in any case."""
    then = Now(ago(days=30), EligibilitySettings(), asked_at=NOW)
    known, question = granted(statements=[said(), said("withdrawn", NOW)]), Question(Channel.EMAIL, Purpose.MARKETING)
    assert said_of(judge(known, question, then)) == ALLOWED
    known.statements.append(said("withdrawn", NOW + SECOND))
    assert judge(known, question, then).reason == Rule.OBJECTION


def test_a_list_is_consented_to_by_itself():
    to_list = granted(statements=[said(purpose="subscription 1")])
    assert asked(to_list).reason == Rule.CONSENT, "which list a contact is for is not said"
    assert said_of(asked(to_list, mailing_list="subscription 1")) == ALLOWED
    assert asked(to_list, mailing_list="subscription 2").reason == Rule.CONSENT


def test_who_left_one_list_may_be_written_to_by_another():
    left = granted(statements=[said(), said("withdrawn", purpose="subscription 1")])
    assert asked(left).reason == Rule.OBJECTION, "it may be that list"
    assert asked(left, mailing_list="subscription 1").reason == Rule.OBJECTION
    assert said_of(asked(left, mailing_list="subscription 2")) == ALLOWED


def test_how_a_list_is_written_does_not_get_around_an_objection_to_it():
    left = granted(statements=[said(), said("withdrawn", purpose="Subscription 1")])
    assert asked(left, mailing_list=" subscription 1").reason == Rule.OBJECTION
    assert asked(left, mailing_list="SERVICE").reason == Rule.OBJECTION, "a purpose is no list"


def test_a_purpose_that_is_named_as_a_list_is_no_consent():
    for purpose in ("service", "sales"):
        assert asked(granted(statements=[said(purpose=purpose)]), mailing_list=purpose).reason == Rule.CONSENT


def test_who_objected_to_all_is_not_reached_by_any_list():
    known = granted(statements=[said("withdrawn"), said(purpose="subscription 1")])
    assert asked(known, mailing_list="subscription 1").reason == Rule.OBJECTION


def test_on_an_opt_out_channel_only_an_objection_denies():
    settings = EligibilitySettings(opt_out_channels=frozenset({Channel.POST}))
    silent = granted(statements=[])
    answer = asked(silent, channel=Channel.POST, settings=settings)
    assert said_of(answer) == ALLOWED
    assert answer.reach == ("mail:contacts:1",)
    assert asked(silent, channel=Channel.EMAIL, settings=settings).reason == Rule.CONSENT
    objects = granted(statements=[said("withdrawn", channel="post")])
    assert asked(objects, channel=Channel.POST, settings=settings).reason == Rule.OBJECTION


@pytest.mark.parametrize("rule", [Rule.COMPLAINT, Rule.BAD_RATING])
@pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.SALES, Purpose.UPSELL])
def test_a_complaint_holds_until_it_is_solved_and_seven_days_more(rule, purpose):
    still_open = asked(granted(holds=[hold(rule, ago(days=400))]), purpose)
    assert said_of(still_open) == (Verdict.DENY, rule, None)
    finding = next(one for one in still_open.findings if one.rule == rule)
    assert finding.evidence == (("desk:tickets:7", Department.SUPPORT, ago(days=400)),)
    solved = granted(holds=[hold(rule, ago(days=9), ago(days=7) + SECOND)])
    assert said_of(asked(solved, purpose)) == (Verdict.NOT_BEFORE, rule, NOW + SECOND)
    assert said_of(asked(solved, purpose, at=NOW + SECOND)) == ALLOWED


def test_a_complaint_that_is_solved_later_is_open_until_then():
    known = granted(holds=[hold(Rule.COMPLAINT, ago(days=2), NOW + SECOND)])
    assert said_of(asked(known)) == (Verdict.DENY, Rule.COMPLAINT, None)
    assert said_of(asked(known, at=ago(days=2) - SECOND)) == ALLOWED, "it was not yet made"
    assert asked(known, at=ago(days=2)).verdict == Verdict.DENY


@pytest.mark.parametrize("purpose", [Purpose.COLLECTIONS, Purpose.SERVICE])
def test_a_complaint_holds_back_no_service_and_no_collection(purpose):
    known = granted(holds=[hold(Rule.COMPLAINT, ago(days=2))], statements=[said("withdrawn")])
    assert asked(known, purpose).verdict == Verdict.ALLOW


def test_a_purchase_holds_for_thirty_days_its_own_product_line():
    known = granted(holds=[hold(Rule.PURCHASE, ago(days=30) + SECOND, ago(days=30) + SECOND, "Cranes")])
    assert said_of(asked(known)) == (Verdict.NOT_BEFORE, Rule.PURCHASE, NOW + SECOND)
    assert said_of(asked(known, at=NOW + SECOND)) == ALLOWED
    assert asked(known, product_line="cranes").reason == Rule.PURCHASE
    assert said_of(asked(known, product_line="Winches")) == ALLOWED


def test_a_purchase_that_names_no_product_counts_for_all():
    known = granted(holds=[hold(Rule.PURCHASE, ago(days=1), ago(days=1))])
    assert asked(known, product_line="Winches").reason == Rule.PURCHASE


def test_a_declined_offer_holds_ninety_days_and_others_thirty():
    at_90 = granted(holds=[hold(Rule.DECLINED, ago(days=90) + SECOND, ago(days=90) + SECOND, "Spring")])
    assert said_of(asked(at_90, offer="Spring")) == (Verdict.NOT_BEFORE, Rule.DECLINED, NOW + SECOND)
    assert said_of(asked(at_90, offer="Spring", at=NOW + SECOND)) == ALLOWED
    assert asked(at_90).reason == Rule.DECLINED, "an offer that is not named may be that one"
    assert said_of(asked(at_90, offer="Autumn")) == ALLOWED
    at_30 = granted(holds=[hold(Rule.DECLINED, ago(days=30) + SECOND, ago(days=30) + SECOND, "Spring")])
    assert said_of(asked(at_30, offer="Autumn")) == (Verdict.NOT_BEFORE, Rule.DECLINED, NOW + SECOND)
    assert said_of(asked(at_30, offer="Autumn", at=NOW + SECOND)) == ALLOWED


def test_a_reply_pauses_marketing_for_fourteen_days_and_nothing_else():
    known = granted(holds=[hold(Rule.REPLY, ago(days=14) + SECOND, ago(days=14) + SECOND)])
    assert said_of(asked(known)) == (Verdict.NOT_BEFORE, Rule.REPLY, NOW + SECOND)
    assert said_of(asked(known, at=NOW + SECOND)) == ALLOWED
    assert said_of(asked(known, Purpose.SALES)) == ALLOWED


def test_an_overdue_invoice_denies_upsell_and_nothing_else():
    known = granted(holds=[hold(Rule.OVERDUE, NOW)])
    assert said_of(asked(known, Purpose.UPSELL)) == ALLOWED, "it is due today"
    assert said_of(asked(known, Purpose.UPSELL, at=NOW + SECOND)) == (Verdict.DENY, Rule.OVERDUE, None)
    for other in set(Purpose) - {Purpose.UPSELL}:
        assert asked(known, other, at=NOW + SECOND).verdict == Verdict.ALLOW
    paid = granted(holds=[hold(Rule.OVERDUE, ago(days=5), NOW)])
    assert said_of(asked(paid, Purpose.UPSELL)) == ALLOWED
    assert asked(paid, Purpose.UPSELL, at=NOW - SECOND).verdict == Verdict.DENY


def touch(at, campaign=None, channel="email", number=1):
    return Contact(f"mail:events:{number}", channel, campaign, at)


@pytest.mark.parametrize(("channel", "limit"), [(Channel.EMAIL, 1), (Channel.SMS, 1), (Channel.PHONE, 2)])
def test_so_many_contacts_a_week_of_the_customers_own_calendar(channel, limit):
    monday = dt.datetime(2026, 6, 1, 0, 30, tzinfo=BERLIN)  # still Sunday in UTC
    next_monday = dt.datetime(2026, 6, 8, tzinfo=BERLIN)
    made = [touch(monday, channel=channel.value, number=number) for number in range(limit)]
    before = granted(contacts=made[:-1])
    assert said_of(asked(before, channel=channel)) == ALLOWED
    known = granted(contacts=made)
    answer = asked(known, channel=channel, at=next_monday - SECOND)
    assert said_of(answer) == (Verdict.NOT_BEFORE, Rule.FREQUENCY, next_monday)
    assert said_of(asked(known, channel=channel, at=next_monday)) == ALLOWED


def test_the_next_call_is_possible_when_the_first_of_two_is_a_week_ago():
    first, second = ago(days=5), ago(days=1)
    known = granted(contacts=[touch(first, channel="phone", number=1), touch(second, channel="phone", number=2)])
    answer = asked(known, channel=Channel.PHONE)
    assert said_of(answer) == (Verdict.NOT_BEFORE, Rule.FREQUENCY, week_after(first, BERLIN))


def test_each_call_of_one_campaign_is_one_more():
    calls = [touch(ago(days=day), "Spring", "phone", day) for day in (1, 2)]
    known = granted(statements=[said(channel="phone")], contacts=calls)
    assert asked(known, channel=Channel.PHONE).reason == Rule.FREQUENCY


def test_what_one_campaign_did_is_one_contact():
    settings = EligibilitySettings(emails_per_week=2)
    sent = [touch(ago(days=2), "Spring", number=1), touch(ago(days=1), "Spring", number=2)]
    assert said_of(asked(granted(contacts=sent), settings=settings)) == ALLOWED
    assert (
        asked(granted(contacts=[*sent, touch(ago(days=1), "Autumn", number=3)]), settings=settings).reason
        == Rule.FREQUENCY
    )


def test_other_channels_and_later_touches_do_not_count():
    known = granted(contacts=[touch(ago(days=1), channel="sms"), touch(NOW + SECOND)])
    assert said_of(asked(known)) == ALLOWED
    assert said_of(asked(granted(contacts=[touch(ago(days=1), channel="post")]), channel=Channel.POST)) == ALLOWED


def test_of_two_countries_the_one_where_the_day_ends_last_counts():
    los_angeles = ZoneInfo("America/Los_Angeles")
    known = granted(contacts=[touch(ago(days=1))], zones={BERLIN, los_angeles})
    assert asked(known).not_before == week_after(ago(days=1), los_angeles)


def test_the_zone_of_a_country():
    assert zone_of("Germany", "UTC").key == "Europe/Berlin"
    assert zone_of("US", "UTC").key == "America/Adak"
    assert zone_of("", "Asia/Tokyo").key == "Asia/Tokyo"


def test_a_week_is_one_of_days_also_when_the_clock_is_changed():
    before = dt.datetime(2026, 3, 23, 12, tzinfo=BERLIN)
    assert week_after(before, BERLIN) == dt.datetime(2026, 3, 29, 22, tzinfo=dt.UTC)


@pytest.mark.parametrize("department", list(Department))
def test_stale_inputs_deny(department):
    answer = asked(granted(), stale=[department])
    assert said_of(answer) == (Verdict.DENY, Rule.STALE, None)
    assert answer.findings[0].departments == (department,)
    needed = EligibilitySettings(needed_departments=frozenset(Department) - {department})
    assert said_of(asked(granted(), stale=[department], settings=needed)) == ALLOWED


def test_collections_need_finance_alone_and_service_nobody():
    assert asked(granted(), Purpose.COLLECTIONS, stale=[Department.FINANCE]).reason == Rule.STALE
    assert asked(granted(), Purpose.COLLECTIONS, stale=[Department.SUPPORT]).verdict == Verdict.ALLOW
    answer = asked(granted(), Purpose.SERVICE, stale=list(Department))
    assert said_of(answer) == (Verdict.ALLOW, Rule.EXEMPT, None)


def test_whom_nobody_knows_is_not_contacted_for_anything():
    for purpose in Purpose:
        assert said_of(asked(None, purpose)) == (Verdict.DENY, Rule.UNKNOWN, None)


def test_consent_goes_before_holds_and_those_before_frequency():
    known = granted(
        statements=[said("withdrawn")], holds=[hold(Rule.COMPLAINT, ago(days=2))], contacts=[touch(ago(days=1))]
    )
    assert asked(known, stale=[Department.SALES]).reason == Rule.STALE
    assert asked(known).reason == Rule.OBJECTION
    known.statements = [said()]
    assert asked(known).reason == Rule.COMPLAINT
    rules = [finding.rule for finding in asked(known).findings]
    assert rules == [rule for rule in Rule if rule in rules], "in the order of the rules"


def test_of_holds_that_end_the_last_tells_when():
    known = granted(
        holds=[hold(Rule.COMPLAINT, ago(days=9), ago(days=1)), hold(Rule.REPLY, ago(days=1), ago(days=1))],
        contacts=[touch(ago(days=1))],
    )
    assert said_of(asked(known)) == (Verdict.NOT_BEFORE, Rule.REPLY, NOW + dt.timedelta(days=13))
