"""What the watch has seen on a trunk, and what it stopped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.bootstrap import By, accounts, calls, findings, suspensions
from asterisk_siptrunk.bootstrap import By as Signature
from asterisk_siptrunk.call import CallRecord
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.trunk import SuspensionSource
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View
