"""The office file: one SQLite database (WAL, STRICT tables), its connections and its migrations.

Owns: connecting, transactions, schema. Leaves out: what the rows mean (each slice's store and service).
"""

from appliance.store.db import Store, connect, transaction
from appliance.store.migrations import migrate

__all__ = ["Store", "connect", "migrate", "transaction"]
