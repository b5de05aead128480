"""The figures: how fast the product is, held against what the same machine does at the same time without it.

Promises: everything is measured in one run on one server, and what was measured is checked: every answer, the book, and
each event at the receiver. What a run made (a database, files, processes) is gone when it ends, however it ends.

Knows the rooms from outside, as a shop does: over HTTP where there is a call for it, else by the act behind the call.
`docs/guides/figures.md` says what each figure means.

Imports nothing here: the load generator, the sink and the bare client are modules of this package too, and run as
processes that should cost little. The face is `running.command` and `running.run`.

    stage (server, shop, processes) --> the parts of `running.PARTS`, one after the other; memory, beside all of them
"""
