"""The audit log is read by person and by subject.

Revision: 0014, after 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INDEXES = {"ix_audit_actor_audit_id": ["actor", "audit_id"], "ix_audit_subject_happened_at": ["subject", "happened_at"]}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "audit", columns, schema="ops")


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name="audit", schema="ops")
