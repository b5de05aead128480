"""Tools every room may use and that know no room: database, SQL files, batching, clock, ids, outgoing HTTP,
errors, loops, secrets and settings.

Nothing here knows what a customer or a coin is.
"""
