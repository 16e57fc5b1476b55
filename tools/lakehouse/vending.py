"""Credentials for storage that the workspace vends: a SAS of the account, as long as a test wants.

Azurite knows no user delegation keys and no SAS of a directory, so what is vended is the account's
read-only SAS; its life is real, and that it is good for one table is told (`url`), not enforced.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azurite


@dataclass
class Vending:
    """What a test may change (POST /__front/vending)."""

    key_file: str
    seconds: float = 3600  # the life of what is vended, from now on
    external_access: bool = True  # the metastore's switch for engines of others
    kind: str = "sas"  # or "aad", "none": another kind of credentials, or none at all

    def change(self, values: dict[str, Any]) -> None:
        kinds = {"seconds": (int, float), "external_access": bool, "kind": str}
        for name, value in values.items():
            if name not in kinds or not isinstance(value, kinds[name]):
                raise ValueError(f"vending: setting {name} is unknown or of the wrong type")
        self.__dict__.update(values)

    def reset(self) -> None:
        for setting in dataclasses.fields(self)[1:]:
            setattr(self, setting.name, setting.default)

    def credentials(self, url: str) -> dict[str, Any]:
        """The answer for a table at this location."""
        expires_s = int(time.time() + self.seconds)
        answer: dict[str, Any] = {"expiration_time": expires_s * 1000, "url": url}
        if self.kind == "sas":
            key = Path(self.key_file).read_text("utf-8").strip()
            sas = azurite.make_sas(key, -3600, expires_s - int(time.time()))
            answer["azure_user_delegation_sas"] = {"sas_token": sas}
        elif self.kind == "aad":
            answer["azure_aad"] = {"aad_token": "not-a-token-of-this-storage"}
        return answer
