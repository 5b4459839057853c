"""Trends that follow late facts, quality scores, and the ledgers of supply and benefit.

Revision: 0020, after 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = {
    "quality.figure_change": """queue_id bigint GENERATED ALWAYS AS IDENTITY, day date NOT NULL,
        department text NOT NULL, name text NOT NULL, value integer NOT NULL,
        CONSTRAINT pk_figure_change PRIMARY KEY (queue_id)""",
    "quality.figure_state": """id integer NOT NULL, measured_on date, sequence bigint NOT NULL DEFAULT 0, rules text,
        CONSTRAINT pk_figure_state PRIMARY KEY (id), CONSTRAINT ck_figure_state_one_row CHECK (id = 1)""",
    "quality.to_score": """queue_id bigint GENERATED ALWAYS AS IDENTITY, party_id bigint NOT NULL,
        CONSTRAINT pk_to_score PRIMARY KEY (queue_id)""",
    "quality.party_score": """party_id bigint NOT NULL, source text NOT NULL, department text NOT NULL,
        required integer NOT NULL, filled integer NOT NULL, checked integer NOT NULL, formed integer NOT NULL,
        duplicate boolean NOT NULL, repeated boolean NOT NULL, updated_on date,
        CONSTRAINT pk_party_score PRIMARY KEY (party_id)""",
    "quality.consistency": """department text NOT NULL, compared integer NOT NULL, agreeing integer NOT NULL,
        CONSTRAINT pk_consistency PRIMARY KEY (department)""",
    "quality.supply": """field text NOT NULL, source text NOT NULL, customers integer NOT NULL,
        contested integer NOT NULL, CONSTRAINT pk_supply PRIMARY KEY (field, source)""",
    "quality.source_freshness": """source text NOT NULL, department text NOT NULL, day date NOT NULL,
        records integer NOT NULL, fresh integer NOT NULL, newest_on date,
        CONSTRAINT pk_source_freshness PRIMARY KEY (source)""",
    "quality.benefit_figure": """day date NOT NULL, name text NOT NULL, currency text NOT NULL,
        baseline_day date NOT NULL, baseline numeric(18, 4), baseline_cases integer NOT NULL,
        now numeric(18, 4), now_cases integer NOT NULL, least integer NOT NULL,
        CONSTRAINT pk_benefit_figure PRIMARY KEY (day, name, currency)""",
    "quality.baseline": """id integer NOT NULL, day date NOT NULL,
        CONSTRAINT pk_baseline PRIMARY KEY (id), CONSTRAINT ck_baseline_one_row CHECK (id = 1)""",
    "ops.cost": """cost_id bigint GENERATED ALWAYS AS IDENTITY, amount numeric(18, 2) NOT NULL,
        currency text NOT NULL, from_day date NOT NULL, until_day date NOT NULL, what_for text NOT NULL,
        entered_by text NOT NULL, entered_at timestamptz NOT NULL DEFAULT now(), removed_at timestamptz,
        CONSTRAINT pk_cost PRIMARY KEY (cost_id), CONSTRAINT ck_cost_amount CHECK (amount > 0),
        CONSTRAINT ck_cost_days CHECK (from_day <= until_day)""",
    "ops.user_rating": """week date NOT NULL, role text NOT NULL, score integer NOT NULL, answers integer NOT NULL,
        CONSTRAINT pk_user_rating PRIMARY KEY (week, role, score),
        CONSTRAINT ck_user_rating_score CHECK (score BETWEEN 1 AND 5)""",
    "ops.rating_asked": """name text NOT NULL, again_on date NOT NULL,
        CONSTRAINT pk_rating_asked PRIMARY KEY (name)""",
    "ops.key_use": """day date NOT NULL, key_name text NOT NULL, fields text NOT NULL, reads bigint NOT NULL,
        CONSTRAINT pk_key_use PRIMARY KEY (day, key_name, fields)""",
}

# What of a table is counted on which day (UTC), as the figure of which department.
COUNTED = {
    "opportunity": (
        ("sales", "opportunities", "f.source_created_at AT TIME ZONE 'UTC'", "true"),
        ("sales", "won", "coalesce(f.closed_at AT TIME ZONE 'UTC', f.close_date)", "f.status = 'won'"),
    ),
    "ticket": (
        ("support", "tickets", "f.source_created_at AT TIME ZONE 'UTC'", "true"),
        ("support", "complaints", "f.source_created_at AT TIME ZONE 'UTC'", "f.is_complaint"),
    ),
    "touch": (("marketing", "touches", "f.touched_at AT TIME ZONE 'UTC'", "true"),),
    "invoice": (("finance", "invoices", "f.issued_at AT TIME ZONE 'UTC'", "f.status <> 'void'"),),
    "payment": (("finance", "payments", "f.paid_at AT TIME ZONE 'UTC'", "f.status IN ('succeeded', 'refunded')"),),
}
# A change that moves no fact to another day adds up to nothing, and restates nothing.
CHANGE = """
    INSERT INTO quality.figure_change (day, department, name, value)
    SELECT CAST(counted.day AS date), counted.department, counted.name, sum({sign})
    FROM {rows} f, LATERAL (VALUES {figures}) AS counted (department, name, day, counts)
    WHERE f.deleted_at IS NULL AND counted.counts AND counted.day IS NOT NULL
    GROUP BY 1, 2, 3 HAVING sum({sign}) <> 0;"""
FUNCTION = """
CREATE FUNCTION quality.count_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"""
TRIGGER = """
CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {rows}
    FOR EACH STATEMENT EXECUTE FUNCTION quality.{function}()"""
EVENTS = {
    "insert": ("NEW TABLE AS written", "(SELECT *, 1 AS sign FROM written)"),
    "delete": ("OLD TABLE AS gone", "(SELECT *, -1 AS sign FROM gone)"),
    "update": (
        "OLD TABLE AS gone NEW TABLE AS written",
        "(SELECT *, 1 AS sign FROM written UNION ALL SELECT *, -1 FROM gone)",
    ),
}
SCORED = ("canonical.party", "identity.membership")

BENEFITS = {
    "prospect_to_payment": "Median days from the first touch or opportunity of a customer, in whatever department, to its first payment; of the customers whose first payment lies in the window and who were known before. `cases` are customers.",
    "retention": "Share of the customers with a payment or subscription a year before who have one still. `cases` are the customers of a year before.",
    "lifetime_value": "Mean of what a paying customer has paid so far, less refunds, by currency. `cases` are customers.",
    "revenue": "What was paid in the window, less refunds, by currency. `cases` are payments.",
    "duplicate_touches": "Share of touches that reached a customer whom the same campaign had reached by the same channel on the same day through another record. `cases` are touches.",
    "touches_avoided": "Duplicate touches that the share at the start would have made of the touches of the window, less those that there were; never below zero. It does not know why a campaign reached fewer. `cases` are touches.",
    "steward_hours": "Hours that people spent judging pairs, from the times between their judgements. The start value is that of the first weeks, since nobody judged before. `cases` are judgements.",
    "cost": "Cost entered by hand, by currency, as far as its days lie in the window. `cases` are entries.",
    "user_rating": "Mean answer, 1 to 5, to whether OneRecord helps people in their work. The start value is that of the first weeks. `cases` are answers.",
}  # fmt: skip
COLUMNS = {
    "day": "the day that the window ends with",
    "currency": "ISO 4217; empty where the figure is no money",
    "baseline_day": "the day that benefit is measured from",
    "baseline": "the start value; none where there are too few cases",
    "baseline_cases": "how many cases the start value is of",
    "now": "the value now; none where there are too few cases",
    "now_cases": "how many cases the value is of",
    "change": "now less baseline; none where one of them is missing",
    "says": "compared, or too few cases",
}
BENEFIT = """
CREATE VIEW golden.benefit_{name} AS
    SELECT day, currency, baseline_day, baseline, baseline_cases, now, now_cases, now - baseline AS change,
           CASE WHEN now IS NULL OR baseline IS NULL THEN 'too few cases' ELSE 'compared' END AS says
    FROM quality.benefit_figure WHERE name = '{name}'"""

SILO = {
    "silo_supply": (
        """SELECT s.field, f.department, s.source, s.customers, s.contested, f.records, f.fresh, f.newest_on, f.day
           FROM quality.supply s LEFT JOIN quality.source_freshness f USING (source) WHERE s.customers > 0""",
        "Which source supplies which golden field to how many published customers, how many of these another record contradicts, and of the living records of the source that tell when they changed (records) how many are fresh. Values given by people have the source `by hand`.",
    ),
    "silo_read": (
        """SELECT day, 'key' AS kind, key_name AS reader, NULL AS department, fields, reads FROM ops.key_use
           UNION ALL
           SELECT CAST(a.attempted_at AT TIME ZONE 'UTC' AS date), 'webhook', w.name, w.department, 'changes', count(*)
           FROM ops.webhook_attempt a JOIN ops.webhook w USING (webhook_id)
           WHERE a.problem IS NULL AND a.sequence IS NOT NULL GROUP BY 1, 3, 4
           UNION ALL
           SELECT CAST(happened_at AT TIME ZONE 'UTC' AS date), 'export', 'onerecord export', NULL, 'views', count(*)
           FROM ops.audit WHERE act = 'export views' GROUP BY 1
           UNION ALL
           SELECT CAST(u.happened_at AT TIME ZONE 'UTC' AS date), 'page', 'pages', held.department, 'personal data', count(*)
           FROM ops.audit u JOIN ops.account c ON c.name = u.actor
           LEFT JOIN LATERAL unnest(c.departments) AS held (department) ON true
           WHERE u.act IN ('look', 'show') GROUP BY 1, 4""",
        "Who reads published fields, day by day, as far as the hub can know: API keys, webhooks, exports, and looks at personal data by page, by the department of the account. Direct SQL readers are not seen.",
    ),
}  # fmt: skip
VIEWS = [*SILO, *(f"benefit_{name}" for name in BENEFITS)]
# Managed servers may refuse it; readers are then granted by hand (docs/operations.md).
READER = f"""
DO $$ BEGIN
    GRANT SELECT ON {", ".join(f"golden.{name}" for name in VIEWS)} TO onerecord_reader;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'role onerecord_reader was not granted the views of trends: %', SQLERRM;
END $$
"""


def upgrade() -> None:
    for name, kind in (("cases", sa.Integer()), ("first_value", sa.Integer()), ("restated_at", sa.DateTime(True))):
        op.add_column("daily_figure", sa.Column(name, kind, nullable=True), schema="quality")
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
    for table, figures in COUNTED.items():
        _follow(table, figures)
    for table in SCORED:
        _score(table)
    for name, comment in BENEFITS.items():
        op.execute(BENEFIT.format(name=name))
        op.execute(f"COMMENT ON VIEW golden.benefit_{name} IS '{comment}'")
        for column, told in COLUMNS.items():
            op.execute(f"COMMENT ON COLUMN golden.benefit_{name}.{column} IS '{told}'")
    for name, (query, comment) in SILO.items():
        op.execute(f"CREATE VIEW golden.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW golden.{name} IS '{comment}'")
    op.execute(READER)


def _follow(table: str, figures: tuple[tuple[str, str, str, str], ...]) -> None:
    """Whatever writes facts of this table tells by how much it changes which day."""
    values = ", ".join(f"('{department}', '{name}', {day}, {counts})" for department, name, day, counts in figures)
    for event, (rows, source) in EVENTS.items():
        body = CHANGE.format(sign="f.sign", rows=source, figures=values)
        op.execute(FUNCTION.format(name=f"{table}_{event}", body=body))
        name = f"count_{event}"
        op.execute(TRIGGER.format(name=name, event=event, table=f"canonical.{table}", rows=rows, function=f"count_{table}_{event}"))  # fmt: skip
    op.execute(CHANGE.format(sign="1", rows=f"canonical.{table}", figures=values))


def _score(table: str) -> None:
    """Whatever writes rows of this table has their records scored anew."""
    name = table.partition(".")[2]
    body = "INSERT INTO quality.to_score (party_id) SELECT party_id FROM written;"
    op.execute(FUNCTION.format(name=name, body=body))
    for event in ("insert", "update"):
        op.execute(TRIGGER.format(name=f"score_{event}", event=event, table=table, rows="NEW TABLE AS written", function=f"count_{name}"))  # fmt: skip
    op.execute(f"INSERT INTO quality.to_score (party_id) SELECT party_id FROM {table}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW golden.{name}")
    for table in SCORED:
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER score_{event} ON {table}")
        op.execute(f"DROP FUNCTION quality.count_{table.partition('.')[2]}()")
    for table in COUNTED:
        for event in EVENTS:
            op.execute(f"DROP TRIGGER count_{event} ON canonical.{table}")
            op.execute(f"DROP FUNCTION quality.count_{table}_{event}()")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
    for name in ("cases", "first_value", "restated_at"):
        op.drop_column("daily_figure", name, schema="quality")
