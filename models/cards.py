"""Model cards: what a model is, what it saw, what it is not for; as JSON and as text.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from core.evidence import canonical_json
from core.market import PriceHistory
from core.ports import RiskModel
from models.data.snapshots import data_root

INTENDED_USE = "24 h log returns of one asset, as one voice among several in a parameter decision"
LIMITS = (
    "knows one price series: no order books, no news, no other assets",
    "quantiles beyond the longest fall in the sample are extrapolated",
    "not audited",
)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One fitted model; every figure is text, so that the card has one canonical form."""

    name: str
    family: str
    asset: str
    source: str
    bars: int
    first_close: int
    last_close: int
    data_root: str
    details: Mapping[str, str]
    scores: Mapping[str, str]

    def to_json(self) -> bytes:
        """Return the card as canonical JSON."""
        return canonical_json({**asdict(self), "intended_use": INTENDED_USE, "limits": list(LIMITS)})

    def render(self) -> str:
        """Return the card as text."""
        lines = [
            f"{self.name} ({self.family})",
            f"  for        {INTENDED_USE}",
            f"  data       {self.asset} from {self.source}: {self.bars:,} bars, "
            f"{_date(self.first_close)} to {_date(self.last_close)}",
            f"  data root  {self.data_root}",
        ]
        lines += [f"  {key:<26} {value}" for key, value in {**self.details, **self.scores}.items()]
        lines += [f"  limit      {limit}" for limit in LIMITS]
        return "\n".join(lines) + "\n"


def model_card(
    model: RiskModel, history: PriceHistory, *, scores: Mapping[str, str] | None = None
) -> ModelCard:
    """Return the card of a model fitted on ``history``."""
    return ModelCard(
        name=model.name,
        family=model.family,
        asset=history.asset,
        source=history.source,
        bars=len(history),
        first_close=int(history.times[0]),
        last_close=history.last_time,
        data_root=data_root(history).hex(),
        details=dict(model.describe()),
        scores=dict(scores or {}),
    )


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
