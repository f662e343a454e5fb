"""The doorbell: what a user types, handed to the rooms."""

from vitrolyte.cli.app import app as app
from vitrolyte.cli.app import guarded as guarded
from vitrolyte.cli.app import main as main
