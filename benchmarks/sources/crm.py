"""Generated customer contacts, by the package dupehell: `python -m benchmarks.sources.crm ROWS FILE`.

Half of the rows that its domain crm generates are contacts. The columns that give the identity away are left out:
contact_id, account_id, created_at, linkedin_url, record_id and master_id, which is the truth.
"""

import sys
import tempfile

import dupehell
import pyarrow.compute as pc
import pyarrow.parquet as pq

COLUMNS = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "job_title",
    "company_name",
    "city",
    "state_code",
    "country_code",
)


def main() -> None:
    rows, path = int(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        made = dupehell.generate(domain="crm", size=2 * rows, seed=42, difficulty="medium", output_dir=folder)
        table = pq.read_table(made.dataset, columns=["entity_type", "master_id", *COLUMNS])
    contacts = table.filter(pc.equal(table["entity_type"], "contact"))
    truth = contacts["master_id"]
    pq.write_table(contacts.select(list(COLUMNS)).append_column("cluster", truth).replace_schema_metadata(None), path)


if __name__ == "__main__":
    main()
