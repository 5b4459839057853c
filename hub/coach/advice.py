"""What to do about a flag, in plain words. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from hub.model.kinds import Department


@dataclass(frozen=True)
class Advice:
    """`says`: what the rule saw; `do`: what would help; `known_to`: the department whose records the evidence names."""

    says: str
    do: str
    known_to: Department = Department.SALES


_OTHERS = Advice(
    "A rule of the hub found something unusual.",
    "Look at the evidence and correct it in your sales system. If it is right as it is, say why.",
)
ADVICE = {
    "inactive": Advice(
        "Nothing was logged on this deal for a while.",
        "Call or write to the customer, and log it. If you did, log what you did. If the deal is over, close it.",
    ),
    "no_progress": Advice(
        "Stage, close date and amount have stayed the same for a while.",
        "Agree on a next step with the customer and move the deal on, or set the close date that you believe in.",
    ),
    "past_close_date": Advice(
        "The deal is open, but its close date has passed.",
        "Set the close date that you believe in now, or close the deal as won or lost.",
    ),
    "pushed": Advice(
        "The close date was moved later several times.",
        "Ask the customer what has to happen before they decide, and set a date that follows from it.",
    ),
    "backdated": Advice(
        "The close date is before the day on which the deal was created.",
        "Correct the close date. If the deal was entered after the fact, say so below.",
    ),
    "required_fields": Advice(
        "A field that others rely on is empty, or holds a placeholder.",
        "Fill in the fields that the evidence names.",
    ),
    "hidden": Advice(
        "The deal was won hardly any time after it was created, so nobody could see it coming or help.",
        "Enter the next deal when you begin to work on it. If this one really came and closed so fast, say so below.",
    ),
    "stuck_in_stage": Advice(
        "The deal is in its stage for longer than deals that were won.",
        "Find out what keeps it there, and move it on, back, or close it.",
    ),
    "stage_moved_back": Advice(
        "The deal went back to an earlier stage.",
        "Say in the next step what has to happen again before it can move on.",
    ),
    "next_step": Advice(
        "No next step is planned, or the same one for a while.",
        "Write down what happens next, who does it and when.",
    ),
    "few_contacts": Advice(
        "Few people of the customer are on the deal.",
        "Add who decides, who uses it and who pays, as far as you know them.",
    ),
    "amount_unusual": Advice(
        "The amount is far from what deals of this kind usually have.",
        "Check it for a slip of the keyboard. If it is right, say so below.",
    ),
    "amount_cut": Advice(
        "The amount was cut late in the deal.",
        "Check the amount, and note what the customer got less of, or why the price went down.",
    ),
    "pushed_over_quarter": Advice(
        "The close date was moved over the end of a quarter.",
        "Note why it moved, and set a date that follows from what the customer does next.",
    ),
    "held_back": Advice(
        "The deal was won in the last week of a quarter, after it had been moved over the end of one before.",
        "Close deals on the day on which they are won. If this one was, say so below.",
    ),
    "stages_skipped": Advice(
        "The deal was won straight out of an early stage.",
        "Move the next deal on as it moves on, so that others can plan with it.",
    ),
    "won_not_invoiced": Advice(
        "The deal is won, but finance has written no invoice.",
        "Ask finance what is missing. If the customer did not order, the deal is not won yet.",
    ),
    "open_but_paid": Advice(
        "The deal is open, but finance was paid.",
        "Close the deal as won. If the payment is for something else, say so below.",
        Department.FINANCE,
    ),
    "hidden_sale": Advice(
        "Finance has sold something to this customer, and sales has no deal of it.",
        "Enter the deal, so that the forecast and the customer's page are true. If there is none, say so below.",
        Department.FINANCE,
    ),
    "late_wins": Advice(
        "Many of the deals of a quarter were won in its last week.",
        "Talk about what keeps deals until then. It is a figure of the whole department, and nobody's in particular.",
    ),
}


def advice(rule: str) -> Advice:
    """The advice for a rule; a general one for rules that have none of their own yet."""
    return ADVICE.get(rule, _OTHERS)


def evidence(flag: Any, withheld: Collection[str]) -> dict[str, Any]:
    """The evidence of a flag, a row of `hub.coach.flags`; empty where it is from a department that is `withheld`."""
    return {} if advice(flag.rule).known_to in withheld else dict(flag.evidence)
