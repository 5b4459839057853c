"""What each department knows of a customer, rolled up from facts.

Every module has one QUERY, which reads the temporary tables of a compose chunk: `composing (golden_id)` and
`member (golden_id, ref, department, living, counted, source_updated_at, owner_name)`. It gives one row
`(golden_id, facet)` per composed customer, with the same keys for every customer.

Facets hold moments, not ages, so that they change when something happened and not because a day went by; the one
exception is what is overdue, which is why QUERYs get `:as_of`. Money is a number per currency and is never added
across currencies. `fresh_at` is when the department's sources last said anything that went into the facet.

A fact counts while it and its party exist at the source. The facts of a party that the source itself merged into
another go on counting, and money that was paid counts whatever was deleted since.
"""

from hub.golden.facets import finance, marketing, sales, support

QUERIES = {
    "finance": finance.QUERY,
    "support": support.QUERY,
    "marketing": marketing.QUERY,
    "sales": sales.QUERY,
}
