"""Workspaces, the keys programs use and the staff who sign in.

Promises: every other row belongs to exactly one workspace, and nothing in this room answers about two at once except
sign-in, which starts from an e-mail address. Keys, passwords and session tokens are stored only as hashes; a key is
shown once, when it is issued. What staff and programs change is written to the audit log.

Does not know what a customer, a coin or an event is.

    key:      issued --> revoked          session: signed in --> expired, signed out, or ended with the password, the
                                                                 role or the person that it stands on
"""

from regulars.tenancy.audit import AuditLine, audit, audit_each, audit_log, was_done
from regulars.tenancy.audit import forget as forget_audit
from regulars.tenancy.book_rules import BookRules, ClawBack, Expiry, Unit
from regulars.tenancy.keys import find_key, issue_key, list_keys, live_keys_of, note_use, revoke_key
from regulars.tenancy.model import EVERY_AREA, ApiKey, Areas, IssuedKey, Person, Retention, Workspace
from regulars.tenancy.passwords import Hashed, check_password, draw_password, hashed
from regulars.tenancy.staff import (
    Known,
    LastOwner,
    add_staff,
    change_password,
    change_role,
    check_staff,
    get_staff,
    known_by_email,
    known_person,
    list_staff,
    open_session,
    person_of,
    proven,
    remove_staff,
    sign_out,
)
from regulars.tenancy.storefront import retire_storefront_secret, rotate_storefront_secret, storefront_secrets
from regulars.tenancy.workspaces import (
    change_workspace,
    create_workspace,
    get_workspace,
    list_workspaces,
    merged_settings,
    workspace_id_of,
)
