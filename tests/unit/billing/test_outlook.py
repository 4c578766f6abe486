"""What a subscription has now, and what follows."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.line import LineKind
from asterisk_siptrunk.billing.outlook import outlook, packs_held
from asterisk_siptrunk.database import orders, subscriptions
from asterisk_siptrunk.database.engine import open_engine, reading
from tests.unit.database.shop import PARIS, Shop
