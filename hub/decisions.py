"""What people decide, and when it shows: for the sensor that carries it, and for whoever tells them."""

# Acts of the audit log that change what golden records say. A sensor looks for them every 20 seconds and starts a run.
DECISIONS = (
    "judge same", "judge different", "judge unsure", "undo judgement", "merge", "unmerge", "say value", "end value",
)  # fmt: skip
WHEN = "with the next run: within about a minute where the hub is up, else when it runs again"
