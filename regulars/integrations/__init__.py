"""The outside tools that events are sent to, each configured by a shop.

Promises: what a shop fills in is checked against the tool's manifest, with every wrong field named; secrets are
encrypted with the workspace and the integration bound to them, and shown at most once; Initialize really asks the tool,
and says in words what is wrong. An integration's id is also its lane's, which is opened with it.

Does not know which event goes to which tool (dispatch), nor when and how often a call is made (delivery). A connector
is its manifest, and a carrier that renders requests and reads answers: of a marketing tool a table of `tools.toml`, of
which `spec` says what may stand there, `filling` makes what is said, and `tool` the calls.

    new --Initialize--> ready <--Initialize--> paused (by the tool's answer, or a check that failed)
     `------------------------(a check that failed)-----^
"""

from regulars.integrations.manifest import Connector, Manifest
from regulars.integrations.model import Integration, Shown
from regulars.integrations.readiness import carrier, carrier_of, check, conclude, pause
from regulars.integrations.registry import CONNECTORS, manifest_of
from regulars.integrations.setup import add, change, list_integrations, remove, rotate
from regulars.integrations.store import integration as get_integration
