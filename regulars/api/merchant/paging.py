"""The pages of the merchant API, which are numbered."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from regulars import limits


class NumberedPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Newest first unless `sort_op` is ASC."""

    page: Annotated[int, Meta(ge=1, le=limits.PAGE_NUMBER_MAX)] = 1
    limit: Annotated[int, Meta(ge=1, le=limits.PAGE_ITEMS_MAX)] = limits.PAGE_ITEMS_DEFAULT
    sort: Literal["created_at", "updated_at"] = "created_at"
    sort_op: Literal["ASC", "DESC"] = "DESC"

    @property
    def first(self) -> int:
        """How many come before this page."""
        return (self.page - 1) * self.limit
