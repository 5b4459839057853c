"""The section `hygiene` of the settings."""

from typing import Annotated

from pydantic import Field, model_validator

from hub.section import Section

RequiredFields = Annotated[tuple[str, ...], Field(max_length=7)]


class HygieneSettings(Section):
    """Opportunity hygiene; origins of the defaults are in docs/rules.md."""

    inactive_days: int = Field(14, ge=1, description="no logged activity for this long: inactive")
    no_progress_days: int = Field(30, ge=1, description="stage, close date and amount unchanged for this long: stale")
    past_close_days: int = Field(1, ge=1, description="open this many days after its close date: past close date")
    pushed_warn: int = Field(2, ge=1, description="close date moved later this often: warning")
    pushed_critical: int = Field(3, ge=1, description="close date moved later this often: critical")
    inactive_days_by_stage: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, description="inactive_days of stages that are slower or quicker than the others"
    )
    stuck_warn: float = Field(1.5, gt=0, description="times the usual time in a stage: warning")
    stuck_critical: float = Field(2.0, gt=0, description="times the usual time in a stage: critical")
    stuck_flat_days: int = Field(30, ge=1, description="days in a stage that are too long while nothing is usual yet")
    norm_min_deals: int = Field(20, ge=2, description="so many deals make a norm")
    moved_back_days: int = Field(60, ge=1, description="how long a move to an earlier stage is told")
    moved_back_critical: int = Field(2, ge=1, description="moved back so often in that time: critical")
    next_step_days: int = Field(14, ge=1, description="a next step that was planned so long ago is old")
    contacts_min: int = Field(2, ge=1, description="people who should be on a deal")
    amount_deviations: float = Field(3.0, gt=0, description="robust deviations from the usual amount that are unusual")
    amount_cut: float = Field(0.2, gt=0, lt=1, description="share of the amount that may be cut in the last stages")
    closed_days: int = Field(90, ge=1, description="how long a deal is looked at after it was won")
    hidden_cycle_share: float = Field(0.1, gt=0, lt=1, description="won in a smaller share of the usual time: hidden")
    hidden_sale_days: int = Field(90, ge=1, description="how long finance's newest record tells of a hidden sale")
    not_invoiced_days: int = Field(30, ge=1, description="days after a win by which finance should have invoiced")
    same_amount: float = Field(0.01, ge=0, lt=1, description="a payment that differs less from a deal is of its amount")
    skipped_stages: int = Field(2, ge=1, description="open stages that a win may not skip")
    last_week_days: int = Field(7, ge=1, le=31, description="days at the end of a quarter that are its last week")
    late_wins_share: float = Field(
        0.35, gt=0, lt=1, description="share of a quarter's wins that its last week may have"
    )
    late_wins_min: int = Field(10, ge=1, description="wins of a quarter of which a share says something")
    fiscal_year_starts: int = Field(1, ge=1, le=12, description="the month in which the first quarter begins")
    required_fields: RequiredFields = Field(
        ("amount", "close_date", "stage", "owner_id", "party_ref"),
        description="must hold a value that is not a placeholder while the opportunity is open",
    )
    required_fields_by_stage: dict[str, RequiredFields] = Field(
        default_factory=dict, description="required_fields of stages in which others are needed"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "HygieneSettings":
        if self.stuck_critical < self.stuck_warn:
            raise ValueError("hygiene.stuck_critical must not be below hygiene.stuck_warn")
        return self
