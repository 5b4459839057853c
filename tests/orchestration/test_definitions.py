"""What Dagster is given: assets per source, checks that block as severely as they are meant, and what runs when."""

import json
from collections import defaultdict

import dagster as dg
import pytest

from connectors import sandbox
from hub.model.kinds import Severity
from orchestration.definitions import defs
from quality_checks import suites
from tests.hubrun import exported, plain

GROUPS = {
    "land": {"landing/salesforce", "landing/hubspot", "landing/zendesk", "landing/stripe"},
    "conform": {
        "canonical/salesforce", "canonical/hubspot", "canonical/zendesk", "canonical/stripe", "canonical/party",
    },
    "match": {"identity/person_pairs", "identity/organization_pairs"},
    "resolve": {"identity/membership"},
    "compose": {"golden/composed_customer"},
    "check": {"quality/opportunity_flag"},
    "publish": {"golden/publication"},
    "trends": {"quality/daily_figure", "quality/benefit_figure"},
}  # fmt: skip
FACTS = (
    "opportunity", "opportunity_change", "opportunity_contact", "ticket", "rating", "invoice", "payment",
    "subscription", "touch", "consent",
)  # fmt: skip
# What can keep everybody's publication back is a promise to the departments: it changes on purpose only.
BLOCKING = {
    "canonical/party": {
        "synced_without_error", "sync_finished", "source_id_is_a_key", "content_hash_present", "payload_is_an_object",
        "quarantined_share", "stream_fits", "stream_volume", "stream_fresh", "party_has_source_record", "delete_arrived",
        "party_kind_known", "party_department_known", "fill_rates_hold", "ticket_status_known", "rating_score_known",
        "invoice_status_known", "payment_status_known", "subscription_status_known", "touch_channel_known",
        "touch_outcome_known", "consent_channel_known", "consent_status_known",
        *(f"{fact}_{what}" for fact in FACTS for what in ("from_record", "orphans")),
    },
    "quality/opportunity_flag": {"status_known"},
    "golden/composed_customer": {
        "name_present", "kind_known", "golden_id_active", "every_customer_composed", "party_has_customer",
        "different_not_bridged", "members_belong", "members_complete", "one_kind", "consent_not_widened",
        "values_traced", "customer_volume", "id_churn", "customer_once", "golden_id_once", "crosswalk_one_to_one",
        "crosswalk_leads_to_customer", "feed_tells_everybody", "feed_without_gaps", "history_without_overlap",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    """The code location with the four simulated departments as sources; nothing answers at their address."""
    given = [plain(source) for source in sandbox.sources("http://127.0.0.1:9")]
    with exported({"ONERECORD_SOURCES": json.dumps(given)}):
        return defs()


def checks(loaded: dg.Definitions) -> dict[str, dict[str, dg.AssetCheckSpec]]:
    """The checks by asset and name."""
    found: dict[str, dict[str, dg.AssetCheckSpec]] = defaultdict(dict)
    for definition in loaded.asset_checks:
        for spec in definition.check_specs:
            found[spec.asset_key.to_user_string()][spec.name] = spec
    return found


def test_every_source_has_its_assets_in_the_groups_of_the_stages(loaded: dg.Definitions):
    groups: dict[str, set[str]] = defaultdict(set)
    for spec in loaded.resolve_all_asset_specs():
        groups[spec.group_name].add(spec.key.to_user_string())
    assert groups == GROUPS


def test_a_source_of_a_department_can_be_found_by_its_tag(loaded: dg.Definitions):
    tags = {spec.key.to_user_string(): spec.tags.get("department") for spec in loaded.resolve_all_asset_specs()}
    assert tags["landing/stripe"] == tags["canonical/stripe"] == "finance"
    assert tags["landing/zendesk"] == tags["canonical/zendesk"] == "support"


def test_the_stages_follow_each_other(loaded: dg.Definitions):
    graph = loaded.resolve_asset_graph()
    upstream = graph.get_ancestor_asset_keys(dg.AssetKey(["golden", "publication"]))
    assert {key.to_user_string() for key in upstream} == set().union(*GROUPS.values()) - {
        *GROUPS["publish"],
        *GROUPS["trends"],
    }


def test_exactly_the_critical_checks_block(loaded: dg.Definitions):
    found = checks(loaded)
    blocking = {asset: {name for name, spec in specs.items() if spec.blocking} for asset, specs in found.items()}
    assert blocking == BLOCKING
    severities = {check.name: check.severity for check in suites.CHECKS}
    declared = {name: spec.blocking for specs in found.values() for name, spec in specs.items()}
    assert declared == {name: severity is Severity.CRITICAL for name, severity in severities.items()}


def test_every_asset_and_check_says_what_it_is_for(loaded: dg.Definitions):
    assert all(spec.description for spec in loaded.resolve_all_asset_specs())
    assert all(spec.description for specs in checks(loaded).values() for spec in specs.values())


def test_without_sources_the_location_still_loads():
    with exported({"ONERECORD_SOURCES": "[]"}):
        keys = {spec.key.to_user_string() for spec in defs().resolve_all_asset_specs()}
    assert keys == set().union(*GROUPS.values()) - GROUPS["land"] - GROUPS["conform"] | {"canonical/party"}


def test_the_main_job_runs_every_hour_by_itself(loaded: dg.Definitions):
    schedule = loaded.resolve_schedule_def("hourly")
    assert schedule.cron_schedule == "0 * * * *"
    assert schedule.job_name == "main_job"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_the_main_job_is_everything_and_decisions_ask_no_source(loaded: dg.Definitions):
    main, decided = (selected(loaded, job) for job in ("main_job", "decisions_job"))
    assert main == set().union(*GROUPS.values())
    assert decided == {
        "identity/membership",
        "quality/opportunity_flag",
        "golden/composed_customer",
        "golden/publication",
    }


def selected(loaded: dg.Definitions, job: str) -> set[str]:
    layer = loaded.resolve_job_def(job).asset_layer
    return {key.to_user_string() for key in layer.selected_asset_keys}
