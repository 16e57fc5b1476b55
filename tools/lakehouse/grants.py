"""Who may do what: grants on the catalog, its schemas and tables, and who inherits them.

After the public privilege model of Unity Catalog: a grant counts for everything below it, a group's
grants for its members, an owner has every right on what he owns, ALL_PRIVILEGES covers what exists
but MANAGE and EXTERNAL_USE_SCHEMA. To read a table takes USE_CATALOG, USE_SCHEMA and SELECT.
"""

from __future__ import annotations

import threading
from typing import Any

KINDS = ("catalog", "schema", "table")
_NOT_IN_ALL = {"MANAGE", "EXTERNAL_USE_SCHEMA"}
Securable = tuple[str, str]  # kind and full name


def chain(kind: str, name: str) -> list[Securable]:
    """The securable itself, then what it lies in."""
    parts = name.split(".")
    depth = KINDS.index(kind) + 1
    return [(KINDS[n - 1], ".".join(parts[:n])) for n in range(depth, 0, -1)]


class Grants:
    """Thread-safe."""

    def __init__(self, catalog: str, owner: str, limited: str) -> None:
        self._first = {
            (("catalog", catalog), owner): [
                "USE_CATALOG",
                "USE_SCHEMA",
                "SELECT",
                "BROWSE",
                "EXECUTE",
                "EXTERNAL_USE_SCHEMA",
            ],
            (("catalog", catalog), limited): ["USE_CATALOG", "BROWSE"],
        }
        self._owner = owner
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._held = {key: list(privileges) for key, privileges in self._first.items()}
            self._owners: dict[Securable, str] = {}
            self._groups: dict[str, list[str]] = {}

    def change(self, body: dict[str, Any]) -> None:
        """{"type", "name", "principal", "grant" or "revoke": [privilege, ...]},
        {"type", "name", "owner"} or {"principal", "groups": [...]}."""
        with self._lock:
            if "groups" in body:
                self._groups[str(body["principal"])] = [str(group) for group in body["groups"]]
                return
            securable = (str(body["type"]), str(body["name"]))
            if securable[0] not in KINDS:
                raise ValueError(f"grants: type is one of {', '.join(KINDS)}")
            if "owner" in body:
                self._owners[securable] = str(body["owner"])
                return
            held = self._held.setdefault((securable, str(body["principal"])), [])
            for privilege in body.get("grant", []):
                if privilege not in held:
                    held.append(privilege)
            for privilege in body.get("revoke", []):
                if privilege in held:
                    held.remove(privilege)

    def groups(self, user: str) -> list[str]:
        with self._lock:
            return ["users", *self._groups.get(user, [])]

    def owner(self, kind: str, name: str) -> str:
        with self._lock:
            return self._owners.get((kind, name), self._owner)

    def owns(self, user: str, kind: str, name: str) -> bool:
        """Directly, by a group, or by owning what it lies in."""
        names = {user, *self.groups(user)}
        return any(self.owner(*above) in names for above in chain(kind, name))

    def direct(self, kind: str, name: str) -> dict[str, list[str]]:
        """Principal to privileges, as granted on this very securable."""
        with self._lock:
            found = {p: list(v) for (s, p), v in self._held.items() if s == (kind, name) and v}
        return found

    def effective(self, kind: str, name: str) -> dict[str, list[tuple[str, Securable]]]:
        """Principal to privileges with the securable that each comes from."""
        result: dict[str, list[tuple[str, Securable]]] = {}
        for above in chain(kind, name):
            for principal, privileges in self.direct(*above).items():
                held = result.setdefault(principal, [])
                known = {privilege for privilege, _ in held}
                held += [(p, above) for p in privileges if p not in known]
        return result

    def holds(self, user: str, privilege: str, kind: str, name: str) -> bool:
        if privilege not in _NOT_IN_ALL and self.owns(user, kind, name):
            return True
        names = {user, *self.groups(user), "account users"}
        wanted = {privilege} | (set() if privilege in _NOT_IN_ALL else {"ALL_PRIVILEGES"})
        found = self.effective(kind, name)
        return any(p in wanted for n in names for p, _ in found.get(n, []))

    def missing_to_read(self, user: str, table: str) -> str | None:
        """The first right that is missing, in words; None if the user may read the table."""
        (_, schema), (_, catalog) = chain("table", table)[1:]
        for privilege, kind, name in (
            ("USE_CATALOG", "catalog", catalog),
            ("USE_SCHEMA", "schema", schema),
            ("SELECT", "table", table),
        ):
            if not self.holds(user, privilege, kind, name):
                spelt = privilege.replace("_", " ")
                return f"User does not have {spelt} on {kind.title()} '{name}'."
        return None
