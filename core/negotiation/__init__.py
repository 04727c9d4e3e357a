"""The negotiation of one epoch as a pure machine: ``advance(state, event, context) -> (state, effects)``.

    AWAITING ─announce─► JUDGING ─► COMMITTING ─► REVEALING ─► CERTIFYING ─► COUNTERING ─► CERTIFYING
                                                                                              │
     no_agreement ◄─ too few reveals, signatures or time          no_change ◄────────────  AGREEING ◄─┐
                                                                                              │       │
                                  proposed ◄─ SUBMITTING ◄─ k signatures ─────────────────────┴───────┘
                                                                     next attempt, without those who withheld

A phase ends when every seat has spoken, or at its deadline.  Messages may arrive in any order and more
than once: they are stored by key and read when their phase comes.  The machine does no I/O; the shell
(``agents/agent.py``) journals each event before it performs the effects that follow from it.

Source: MECHANISM.md, Epoch.
"""

from core.negotiation.agreement import agreements
from core.negotiation.certificates import read_certificate, set_hash
from core.negotiation.machine import advance
from core.negotiation.model import (
    Assess,
    Assessed,
    Consumed,
    Effect,
    EpochContext,
    Event,
    Finish,
    Forward,
    Judge,
    Judged,
    PrepareAnnounce,
    Received,
    Reconsider,
    Reconsidered,
    Refused,
    Reject,
    Speak,
    Stage,
    State,
    Submit,
    Tick,
)
from core.negotiation.reading import members_of

__all__ = [
    "Assess",
    "Assessed",
    "Consumed",
    "Effect",
    "EpochContext",
    "Event",
    "Finish",
    "Forward",
    "Judge",
    "Judged",
    "PrepareAnnounce",
    "Received",
    "Reconsider",
    "Reconsidered",
    "Refused",
    "Reject",
    "Speak",
    "Stage",
    "State",
    "Submit",
    "Tick",
    "advance",
    "agreements",
    "members_of",
    "read_certificate",
    "set_hash",
]
