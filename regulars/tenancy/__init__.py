"""Workspaces, the keys programs use and the staff who sign in.

Promises: every other row belongs to exactly one workspace, and nothing in this room answers about two at once except
sign-in, which starts from an e-mail address. Keys, passwords and session tokens are stored only as hashes; a key is
shown once, when it is issued. What staff and programs change is written to the audit log.

Does not know what a customer, a coin or an event is.

    key:      issued --> revoked          session: signed in --> expired or signed out
"""

from regulars.tenancy.audit import AuditLine, audit, audit_log
from regulars.tenancy.keys import find_key, issue_key, list_keys, revoke_key
from regulars.tenancy.model import ApiKey, IssuedKey, Person, Workspace
from regulars.tenancy.staff import add_staff, draw_password, list_staff, person_of, sign_in, sign_out
from regulars.tenancy.workspaces import change_workspace, create_workspace, get_workspace, list_workspaces

__all__ = [
    "ApiKey",
    "AuditLine",
    "IssuedKey",
    "Person",
    "Workspace",
    "add_staff",
    "audit",
    "audit_log",
    "change_workspace",
    "create_workspace",
    "draw_password",
    "find_key",
    "get_workspace",
    "issue_key",
    "list_keys",
    "list_staff",
    "list_workspaces",
    "person_of",
    "revoke_key",
    "sign_in",
    "sign_out",
]
