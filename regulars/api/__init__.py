"""The doors for programs: the merchant API (`/api/v2/merchant`), the management API (`/api/v1`), their documents
(`/api/docs`), health and metrics.

Promises: what comes in is checked before anything is done, strictly, and every refusal says which field and what was
expected; a refused call changes nothing. A key reaches the rows of its own workspace alone. A call with an
Idempotency-Key happens once.

Does not decide anything: an operation parses, calls a room, and answers.

    a request:  key -> rate -> body, query -> one transaction: room function(s), stored answer -> answer
"""

SHARED_BY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of the environment that names the folder where all that answer count; the library reads it at import."""

AT_ONCE = "regulars.at_once"
"""Under which a request's scope holds a function that writes a whole answer (status, headers, body), where the server
has one. It says False where it can't."""
