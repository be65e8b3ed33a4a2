"""Whoever walks: a caller whose calls are kept, and the town that all calls are of."""

from __future__ import annotations

from typing import Any

from tests.contracts.rest.calls import Recorder
from tests.support.running import Client

POOL, COUNTY = "320100", "320102"
HIGH, LOW = "H32010000001", "H32010000002"
CATALOGUE: list[dict[str, Any]] = [
    {"item_code": "bed-day", "name": "床位费", "item_class": "a", "limit": "60.00"},
    {"item_code": "cesarean-section", "name": "剖宫产术", "item_class": "b",
     "first_copay_rate": "0.1", "delivery_mode": "cesarean"},
    {"item_code": "ward-single", "name": "单人病房加收", "item_class": "c"},
]  # fmt: skip
LINES = [
    {"line_number": 1, "item_code": "cesarean-section", "quantity": "1", "price": "9000.00"},
    {"line_number": 2, "item_code": "bed-day", "quantity": "4", "price": "80.00"},
    {"line_number": 3, "item_code": "ward-single", "quantity": "1", "price": "300.00"},
]
TOTAL = "9620.00"


class Walker:
    """A caller whose calls are kept."""

    def __init__(self, recorder: Recorder, client: Client) -> None:
        self.recorder = recorder
        self.client = client

    async def post(self, path: str, body: Any = None, name: str = "usual") -> Any:
        """POST under the service's prefix."""
        return await self.recorder.call(
            self.client.http,
            "POST",
            f"/{self.client.service}/v1{path}",
            token=self.client.token,
            body=body,
            name=name,
        )

    async def get(self, path: str, name: str = "usual", **query: Any) -> Any:
        """GET under the service's prefix."""
        return await self.recorder.call(
            self.client.http,
            "GET",
            f"/{self.client.service}/v1{path}",
            token=self.client.token,
            name=name,
            **query,
        )
