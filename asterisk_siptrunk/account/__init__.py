"""Who uses the management interface and its API, and what they may do. Pure."""

from asterisk_siptrunk.account.model import Account, ApiToken, Session
from asterisk_siptrunk.account.role import Right, Role, rights_of
from asterisk_siptrunk.account.scope import Scope

__all__ = ["Account", "ApiToken", "Right", "Role", "Scope", "Session", "rights_of"]
