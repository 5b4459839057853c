"""The first schema: landing, canonical, identity, golden, quality and ops.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for schema in ('landing', 'canonical', 'identity', 'golden', 'quality'):
        op.execute(f'CREATE SCHEMA {schema}')
    op.create_table('consent',
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('party_ref', sa.Text(), nullable=True),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_consent')),
    schema='canonical'
    )
    op.create_index(op.f('ix_consent_party_ref'), 'consent', ['party_ref'], unique=False, schema='canonical')
    op.create_table('invoice',
    sa.Column('number', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('total', sa.Numeric(precision=18, scale=2), nullable=False),
    sa.Column('paid', sa.Numeric(precision=18, scale=2), nullable=False),
    sa.Column('remaining', sa.Numeric(precision=18, scale=2), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('party_ref', sa.Text(), nullable=True),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_invoice')),
    schema='canonical'
    )
    op.create_index(op.f('ix_invoice_due_at'), 'invoice', ['due_at'], unique=False, schema='canonical')
    op.create_index(op.f('ix_invoice_party_ref'), 'invoice', ['party_ref'], unique=False, schema='canonical')
    op.create_table('opportunity',
    sa.Column('contact_ref', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('amount', sa.Numeric(precision=18, scale=2), nullable=True),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('probability', sa.Double(), nullable=True),
    sa.Column('close_date', sa.Date(), nullable=True),
    sa.Column('next_step', sa.Text(), nullable=True),
    sa.Column('owner_id', sa.Text(), nullable=True),
    sa.Column('owner_name', sa.Text(), nullable=True),
    sa.Column('source_created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_activity_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('party_ref', sa.Text(), nullable=True),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_opportunity')),
    schema='canonical'
    )
    op.create_index(op.f('ix_opportunity_party_ref'), 'opportunity', ['party_ref'], unique=False, schema='canonical')
    op.create_index(op.f('ix_opportunity_status'), 'opportunity', ['status'], unique=False, schema='canonical')
    op.create_table('opportunity_change',
    sa.Column('opportunity_ref', sa.Text(), nullable=False),
    sa.Column('field', sa.Text(), nullable=False),
    sa.Column('old_value', sa.Text(), nullable=True),
    sa.Column('new_value', sa.Text(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('party_ref', sa.Text(), nullable=True),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_opportunity_change')),
    schema='canonical'
    )
    op.create_index(op.f('ix_opportunity_change_opportunity_ref_changed_at'), 'opportunity_change', ['opportunity_ref', 'changed_at'], unique=False, schema='canonical')
    op.create_index(op.f('ix_opportunity_change_party_ref'), 'opportunity_change', ['party_ref'], unique=False, schema='canonical')
    op.create_table('party',
    sa.Column('party_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('department', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('given_name', sa.Text(), nullable=True),
    sa.Column('family_name', sa.Text(), nullable=True),
    sa.Column('job_title', sa.Text(), nullable=True),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('other_emails', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('mobile', sa.Text(), nullable=True),
    sa.Column('street', sa.Text(), nullable=True),
    sa.Column('city', sa.Text(), nullable=True),
    sa.Column('region', sa.Text(), nullable=True),
    sa.Column('postcode', sa.Text(), nullable=True),
    sa.Column('country', sa.Text(), nullable=True),
    sa.Column('website', sa.Text(), nullable=True),
    sa.Column('tax_id', sa.Text(), nullable=True),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('language', sa.Text(), nullable=True),
    sa.Column('employer_name', sa.Text(), nullable=True),
    sa.Column('employer_ref', sa.Text(), nullable=True),
    sa.Column('parent_ref', sa.Text(), nullable=True),
    sa.Column('owner_name', sa.Text(), nullable=True),
    sa.Column('merged_into_ref', sa.Text(), nullable=True),
    sa.Column('source_created_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('arrived_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('party_id', name=op.f('pk_party')),
    sa.UniqueConstraint('ref', name=op.f('uq_party_ref')),
    schema='canonical'
    )
    op.create_index(op.f('ix_party_employer_ref'), 'party', ['employer_ref'], unique=False, schema='canonical')
    op.create_index(op.f('ix_party_source_stream'), 'party', ['source', 'stream'], unique=False, schema='canonical')
    op.create_table('payment',
    sa.Column('invoice_ref', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amount', sa.Numeric(precision=18, scale=2), nullable=False),
    sa.Column('refunded', sa.Numeric(precision=18, scale=2), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('party_ref', sa.Text(), nullable=True),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_payment')),
    schema='canonical'
    )
    op.create_index(op.f('ix_payment_party_ref'), 'payment', ['party_ref'], unique=False, schema='canonical')
    op.create_table('rating',
    sa.Column('ticket_ref', sa.Text(), nullable=True),
    sa.Column('score', sa.Text(), nullable=False),
    sa.Column('comment', sa.Text(), nullable=True),
    sa.Column('rated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('party_ref', sa.Text(), nullable=True),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_rating')),
    schema='canonical'
    )
    op.create_index(op.f('ix_rating_party_ref'), 'rating', ['party_ref'], unique=False, schema='canonical')
    op.create_table('subscription',
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('product', sa.Text(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('amount', sa.Numeric(precision=18, scale=2), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('party_ref', sa.Text(), nullable=True),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_subscription')),
    schema='canonical'
    )
    op.create_index(op.f('ix_subscription_party_ref'), 'subscription', ['party_ref'], unique=False, schema='canonical')
    op.create_table('ticket',
    sa.Column('organization_ref', sa.Text(), nullable=True),
    sa.Column('subject', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('priority', sa.Text(), nullable=True),
    sa.Column('is_complaint', sa.Boolean(), nullable=False),
    sa.Column('source_created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('solved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('party_ref', sa.Text(), nullable=True),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_ticket')),
    schema='canonical'
    )
    op.create_index(op.f('ix_ticket_organization_ref'), 'ticket', ['organization_ref'], unique=False, schema='canonical')
    op.create_index(op.f('ix_ticket_party_ref'), 'ticket', ['party_ref'], unique=False, schema='canonical')
    op.create_table('touch',
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('campaign', sa.Text(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('touched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('party_ref', sa.Text(), nullable=True),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('source_updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_touch')),
    schema='canonical'
    )
    op.create_index(op.f('ix_touch_party_ref'), 'touch', ['party_ref'], unique=False, schema='canonical')
    op.create_table('change',
    sa.Column('sequence', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('golden_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('op', sa.Text(), nullable=False),
    sa.Column('survivor', sa.Uuid(), nullable=True),
    sa.Column('publication', sa.Integer(), nullable=False),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('happened_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("op IN ('created', 'changed', 'merged', 'split', 'erased')", name=op.f('ck_change_op')),
    sa.PrimaryKeyConstraint('sequence', name=op.f('pk_change')),
    schema='golden'
    )
    op.create_index(op.f('ix_change_golden_id_version'), 'change', ['golden_id', 'version'], unique=True, schema='golden')
    op.create_table('compose_state',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_compose_state_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_compose_state')),
    schema='golden'
    )
    op.create_table('composed_customer',
    sa.Column('golden_id', sa.Uuid(), nullable=False),
    sa.Column('composed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('given_name', sa.Text(), nullable=True),
    sa.Column('family_name', sa.Text(), nullable=True),
    sa.Column('job_title', sa.Text(), nullable=True),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('mobile', sa.Text(), nullable=True),
    sa.Column('street', sa.Text(), nullable=True),
    sa.Column('city', sa.Text(), nullable=True),
    sa.Column('region', sa.Text(), nullable=True),
    sa.Column('postcode', sa.Text(), nullable=True),
    sa.Column('country', sa.Text(), nullable=True),
    sa.Column('website', sa.Text(), nullable=True),
    sa.Column('tax_id', sa.Text(), nullable=True),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('language', sa.Text(), nullable=True),
    sa.Column('employer_id', sa.Uuid(), nullable=True),
    sa.Column('departments', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('members', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('finance', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('support', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('marketing', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('sales', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('consents', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('provenance', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('content_hash', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('golden_id', name=op.f('pk_composed_customer')),
    schema='golden'
    )
    op.create_table('customer_row',
    sa.Column('golden_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('publication', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('valid_to', sa.DateTime(timezone=True), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('given_name', sa.Text(), nullable=True),
    sa.Column('family_name', sa.Text(), nullable=True),
    sa.Column('job_title', sa.Text(), nullable=True),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('mobile', sa.Text(), nullable=True),
    sa.Column('street', sa.Text(), nullable=True),
    sa.Column('city', sa.Text(), nullable=True),
    sa.Column('region', sa.Text(), nullable=True),
    sa.Column('postcode', sa.Text(), nullable=True),
    sa.Column('country', sa.Text(), nullable=True),
    sa.Column('website', sa.Text(), nullable=True),
    sa.Column('tax_id', sa.Text(), nullable=True),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('language', sa.Text(), nullable=True),
    sa.Column('employer_id', sa.Uuid(), nullable=True),
    sa.Column('departments', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('members', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('finance', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('support', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('marketing', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('sales', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('consents', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('provenance', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('content_hash', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('golden_id', 'version', name=op.f('pk_customer_row')),
    schema='golden'
    )
    op.create_index(op.f('ix_customer_row_publication'), 'customer_row', ['publication'], unique=False, schema='golden')
    op.create_index('uq_customer_row_current', 'customer_row', ['golden_id'], unique=True, schema='golden', postgresql_where=sa.text('valid_to IS NULL'))
    op.create_table('opportunity_row',
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('golden_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('amount', sa.Numeric(precision=18, scale=2), nullable=True),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('close_date', sa.Date(), nullable=True),
    sa.Column('owner_name', sa.Text(), nullable=True),
    sa.Column('flags', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('publication', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('ref', name=op.f('pk_opportunity_row')),
    schema='golden'
    )
    op.create_index(op.f('ix_opportunity_row_golden_id'), 'opportunity_row', ['golden_id'], unique=False, schema='golden')
    op.create_table('publication',
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('customers', sa.Integer(), nullable=False),
    sa.Column('created', sa.Integer(), nullable=False),
    sa.Column('changed', sa.Integer(), nullable=False),
    sa.Column('retired', sa.Integer(), nullable=False),
    sa.Column('warnings', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_publication')),
    schema='golden'
    )
    op.create_table('to_compose',
    sa.Column('golden_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('golden_id', name=op.f('pk_to_compose')),
    schema='golden'
    )
    op.create_table('to_publish',
    sa.Column('golden_id', sa.Uuid(), nullable=False),
    sa.Column('op', sa.Text(), server_default='changed', nullable=False),
    sa.PrimaryKeyConstraint('golden_id', name=op.f('pk_to_publish')),
    schema='golden'
    )
    op.create_table('golden_id',
    sa.Column('golden_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), server_default='active', nullable=False),
    sa.Column('survivor', sa.Uuid(), nullable=True),
    sa.Column('given_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("status IN ('active', 'merged', 'retired')", name=op.f('ck_golden_id_status')),
    sa.ForeignKeyConstraint(['survivor'], ['identity.golden_id.golden_id'], name=op.f('fk_golden_id_survivor_golden_id')),
    sa.PrimaryKeyConstraint('golden_id', name=op.f('pk_golden_id')),
    sa.UniqueConstraint('number', name=op.f('uq_golden_id_number')),
    schema='identity'
    )
    op.create_table('match_model',
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('parameters', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('report', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('trained_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('version', name=op.f('pk_match_model')),
    schema='identity'
    )
    op.create_table('quarantine',
    sa.Column('quarantine_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('field', sa.Text(), nullable=True),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('quarantine_id', name=op.f('pk_quarantine')),
    schema='landing'
    )
    op.create_index('uq_quarantine_open', 'quarantine', ['source', 'stream', 'source_id'], unique=True, schema='landing', postgresql_where=sa.text('resolved_at IS NULL'))
    op.create_table('source_record',
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('content_hash', sa.Text(), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('source', 'stream', 'source_id', name=op.f('pk_source_record')),
    schema='landing'
    )
    op.create_table('sync_run',
    sa.Column('sync_run_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('fetched', sa.Integer(), server_default='0', nullable=False),
    sa.Column('inserted', sa.Integer(), server_default='0', nullable=False),
    sa.Column('updated', sa.Integer(), server_default='0', nullable=False),
    sa.Column('unchanged', sa.Integer(), server_default='0', nullable=False),
    sa.Column('deleted', sa.Integer(), server_default='0', nullable=False),
    sa.Column('quarantined', sa.Integer(), server_default='0', nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('sync_run_id', name=op.f('pk_sync_run')),
    schema='landing'
    )
    op.create_index(op.f('ix_sync_run_source_stream_started_at'), 'sync_run', ['source', 'stream', 'started_at'], unique=False, schema='landing')
    op.create_table('to_conform',
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('source', 'stream', 'source_id', name=op.f('pk_to_conform')),
    schema='landing'
    )
    op.create_table('watermark',
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('cursor', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('mapping_version', sa.Integer(), nullable=True),
    sa.Column('moved_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('source', 'stream', name=op.f('pk_watermark')),
    schema='landing'
    )
    op.create_table('api_key',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('key_hash', sa.Text(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_api_key')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_api_key_key_hash')),
    schema='ops'
    )
    op.create_table('audit',
    sa.Column('audit_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('act', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('audit_id', name=op.f('pk_audit')),
    schema='ops'
    )
    op.create_index(op.f('ix_audit_happened_at'), 'audit', ['happened_at'], unique=False, schema='ops')
    op.create_table('run',
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', sa.Text(), server_default='running', nullable=False),
    sa.Column('summary', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_run')),
    schema='ops'
    )
    op.create_table('check_result',
    sa.Column('check_result_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('suite', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('severity', sa.Text(), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('checked', sa.Integer(), nullable=True),
    sa.Column('failed', sa.Integer(), nullable=True),
    sa.Column('examples', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("severity IN ('warning', 'critical')", name=op.f('ck_check_result_severity')),
    sa.PrimaryKeyConstraint('check_result_id', name=op.f('pk_check_result')),
    schema='quality'
    )
    op.create_index(op.f('ix_check_result_run_id'), 'check_result', ['run_id'], unique=False, schema='quality')
    op.create_table('flag',
    sa.Column('opportunity_ref', sa.Text(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('severity', sa.Text(), nullable=False),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('first_seen', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen', sa.DateTime(timezone=True), nullable=False),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("severity IN ('warning', 'critical')", name=op.f('ck_flag_severity')),
    sa.PrimaryKeyConstraint('opportunity_ref', 'rule', name=op.f('pk_flag')),
    schema='quality'
    )
    op.create_table('to_match',
    sa.Column('party_id', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['party_id'], ['canonical.party.party_id'], name=op.f('fk_to_match_party_id_party')),
    sa.PrimaryKeyConstraint('party_id', name=op.f('pk_to_match')),
    schema='canonical'
    )
    op.create_table('judgement',
    sa.Column('judgement_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('party_a', sa.BigInteger(), nullable=False),
    sa.Column('party_b', sa.BigInteger(), nullable=False),
    sa.Column('verdict', sa.Text(), nullable=False),
    sa.Column('author_kind', sa.Text(), nullable=False),
    sa.Column('author', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.Text(), nullable=True),
    sa.CheckConstraint("author_kind IN ('rule', 'person')", name=op.f('ck_judgement_author_kind')),
    sa.CheckConstraint("verdict IN ('same', 'different', 'unsure')", name=op.f('ck_judgement_verdict')),
    sa.CheckConstraint('party_a < party_b', name=op.f('ck_judgement_ordered')),
    sa.ForeignKeyConstraint(['party_a'], ['canonical.party.party_id'], name=op.f('fk_judgement_party_a_party')),
    sa.ForeignKeyConstraint(['party_b'], ['canonical.party.party_id'], name=op.f('fk_judgement_party_b_party')),
    sa.PrimaryKeyConstraint('judgement_id', name=op.f('pk_judgement')),
    schema='identity'
    )
    op.create_index(op.f('ix_judgement_party_b'), 'judgement', ['party_b'], unique=False, schema='identity')
    op.create_index('uq_judgement_live', 'judgement', ['party_a', 'party_b', 'author_kind'], unique=True, schema='identity', postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('lineage',
    sa.Column('lineage_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('golden_id', sa.Uuid(), nullable=False),
    sa.Column('other_golden_id', sa.Uuid(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['golden_id'], ['identity.golden_id.golden_id'], name=op.f('fk_lineage_golden_id_golden_id')),
    sa.ForeignKeyConstraint(['other_golden_id'], ['identity.golden_id.golden_id'], name=op.f('fk_lineage_other_golden_id_golden_id')),
    sa.PrimaryKeyConstraint('lineage_id', name=op.f('pk_lineage')),
    schema='identity'
    )
    op.create_index(op.f('ix_lineage_golden_id'), 'lineage', ['golden_id'], unique=False, schema='identity')
    op.create_table('membership',
    sa.Column('membership_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('party_id', sa.BigInteger(), nullable=False),
    sa.Column('golden_id', sa.Uuid(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['golden_id'], ['identity.golden_id.golden_id'], name=op.f('fk_membership_golden_id_golden_id')),
    sa.ForeignKeyConstraint(['party_id'], ['canonical.party.party_id'], name=op.f('fk_membership_party_id_party')),
    sa.PrimaryKeyConstraint('membership_id', name=op.f('pk_membership')),
    schema='identity'
    )
    op.create_index(op.f('ix_membership_golden_id'), 'membership', ['golden_id'], unique=False, schema='identity')
    op.create_index('uq_membership_now', 'membership', ['party_id'], unique=True, schema='identity', postgresql_where=sa.text('until IS NULL'))
    op.create_table('pair',
    sa.Column('party_a', sa.BigInteger(), nullable=False),
    sa.Column('party_b', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('band', sa.Text(), nullable=False),
    sa.Column('weight', sa.Double(), nullable=False),
    sa.Column('probability', sa.Double(), nullable=False),
    sa.Column('blocking_rule', sa.Text(), nullable=False),
    sa.Column('model_version', sa.Text(), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('scored_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('party_a < party_b', name=op.f('ck_pair_ordered')),
    sa.ForeignKeyConstraint(['model_version'], ['identity.match_model.version'], name=op.f('fk_pair_model_version_match_model')),
    sa.ForeignKeyConstraint(['party_a'], ['canonical.party.party_id'], name=op.f('fk_pair_party_a_party')),
    sa.ForeignKeyConstraint(['party_b'], ['canonical.party.party_id'], name=op.f('fk_pair_party_b_party')),
    sa.PrimaryKeyConstraint('party_a', 'party_b', name=op.f('pk_pair')),
    schema='identity'
    )
    op.create_index(op.f('ix_pair_party_b'), 'pair', ['party_b'], unique=False, schema='identity')
    op.create_index('ix_pair_review', 'pair', ['probability'], unique=False, schema='identity', postgresql_where=sa.text("band = 'review'"))
    op.create_table('to_resolve',
    sa.Column('party_id', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['party_id'], ['canonical.party.party_id'], name=op.f('fk_to_resolve_party_id_party')),
    sa.PrimaryKeyConstraint('party_id', name=op.f('pk_to_resolve')),
    schema='identity'
    )


def downgrade() -> None:
    op.drop_table('to_resolve', schema='identity')
    op.drop_index('ix_pair_review', table_name='pair', schema='identity', postgresql_where=sa.text("band = 'review'"))
    op.drop_index(op.f('ix_pair_party_b'), table_name='pair', schema='identity')
    op.drop_table('pair', schema='identity')
    op.drop_index('uq_membership_now', table_name='membership', schema='identity', postgresql_where=sa.text('until IS NULL'))
    op.drop_index(op.f('ix_membership_golden_id'), table_name='membership', schema='identity')
    op.drop_table('membership', schema='identity')
    op.drop_index(op.f('ix_lineage_golden_id'), table_name='lineage', schema='identity')
    op.drop_table('lineage', schema='identity')
    op.drop_index('uq_judgement_live', table_name='judgement', schema='identity', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_index(op.f('ix_judgement_party_b'), table_name='judgement', schema='identity')
    op.drop_table('judgement', schema='identity')
    op.drop_table('to_match', schema='canonical')
    op.drop_table('flag', schema='quality')
    op.drop_index(op.f('ix_check_result_run_id'), table_name='check_result', schema='quality')
    op.drop_table('check_result', schema='quality')
    op.drop_table('run', schema='ops')
    op.drop_index(op.f('ix_audit_happened_at'), table_name='audit', schema='ops')
    op.drop_table('audit', schema='ops')
    op.drop_table('api_key', schema='ops')
    op.drop_table('watermark', schema='landing')
    op.drop_table('to_conform', schema='landing')
    op.drop_index(op.f('ix_sync_run_source_stream_started_at'), table_name='sync_run', schema='landing')
    op.drop_table('sync_run', schema='landing')
    op.drop_table('source_record', schema='landing')
    op.drop_index('uq_quarantine_open', table_name='quarantine', schema='landing', postgresql_where=sa.text('resolved_at IS NULL'))
    op.drop_table('quarantine', schema='landing')
    op.drop_table('match_model', schema='identity')
    op.drop_table('golden_id', schema='identity')
    op.drop_table('to_publish', schema='golden')
    op.drop_table('to_compose', schema='golden')
    op.drop_table('publication', schema='golden')
    op.drop_index(op.f('ix_opportunity_row_golden_id'), table_name='opportunity_row', schema='golden')
    op.drop_table('opportunity_row', schema='golden')
    op.drop_index('uq_customer_row_current', table_name='customer_row', schema='golden', postgresql_where=sa.text('valid_to IS NULL'))
    op.drop_index(op.f('ix_customer_row_publication'), table_name='customer_row', schema='golden')
    op.drop_table('customer_row', schema='golden')
    op.drop_table('composed_customer', schema='golden')
    op.drop_table('compose_state', schema='golden')
    op.drop_index(op.f('ix_change_golden_id_version'), table_name='change', schema='golden')
    op.drop_table('change', schema='golden')
    op.drop_index(op.f('ix_touch_party_ref'), table_name='touch', schema='canonical')
    op.drop_table('touch', schema='canonical')
    op.drop_index(op.f('ix_ticket_party_ref'), table_name='ticket', schema='canonical')
    op.drop_index(op.f('ix_ticket_organization_ref'), table_name='ticket', schema='canonical')
    op.drop_table('ticket', schema='canonical')
    op.drop_index(op.f('ix_subscription_party_ref'), table_name='subscription', schema='canonical')
    op.drop_table('subscription', schema='canonical')
    op.drop_index(op.f('ix_rating_party_ref'), table_name='rating', schema='canonical')
    op.drop_table('rating', schema='canonical')
    op.drop_index(op.f('ix_payment_party_ref'), table_name='payment', schema='canonical')
    op.drop_table('payment', schema='canonical')
    op.drop_index(op.f('ix_party_source_stream'), table_name='party', schema='canonical')
    op.drop_index(op.f('ix_party_employer_ref'), table_name='party', schema='canonical')
    op.drop_table('party', schema='canonical')
    op.drop_index(op.f('ix_opportunity_change_party_ref'), table_name='opportunity_change', schema='canonical')
    op.drop_index(op.f('ix_opportunity_change_opportunity_ref_changed_at'), table_name='opportunity_change', schema='canonical')
    op.drop_table('opportunity_change', schema='canonical')
    op.drop_index(op.f('ix_opportunity_status'), table_name='opportunity', schema='canonical')
    op.drop_index(op.f('ix_opportunity_party_ref'), table_name='opportunity', schema='canonical')
    op.drop_table('opportunity', schema='canonical')
    op.drop_index(op.f('ix_invoice_party_ref'), table_name='invoice', schema='canonical')
    op.drop_index(op.f('ix_invoice_due_at'), table_name='invoice', schema='canonical')
    op.drop_table('invoice', schema='canonical')
    op.drop_index(op.f('ix_consent_party_ref'), table_name='consent', schema='canonical')
    op.drop_table('consent', schema='canonical')
