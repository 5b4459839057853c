"""The credentials of the simulated systems: known to everybody, worth nothing."""

CLIENT_ID, CLIENT_SECRET = "sandbox-client-id", "sandbox-client-secret"
HUBSPOT_TOKEN = "pat-sandbox-0000"  # noqa: S105
ZENDESK_EMAIL, ZENDESK_TOKEN = "integration@ourcompany.example", "sandbox-zendesk-token"
STRIPE_KEY = "sk_test_sandbox"

SYSTEMS = {"salesforce": "sales", "hubspot": "marketing", "zendesk": "support", "stripe": "finance"}

BY_SYSTEM: dict[str, dict[str, str]] = {
    "salesforce": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    "hubspot": {"token": HUBSPOT_TOKEN},
    "zendesk": {"email": ZENDESK_EMAIL, "api_token": ZENDESK_TOKEN},
    "stripe": {"api_key": STRIPE_KEY},
}
