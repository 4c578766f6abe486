"""A group whose commands are imported when they are used, and not to be listed."""

from collections.abc import Mapping
from importlib import import_module

import click


class LazyGroup(click.Group):
    """Commands by name, each the attribute `command` of the module of that name in `package`.

    Help and the completion of names see stubs that carry the line of help; only running a
    command, or completing within it, imports its module.
    """

    def __init__(
        self, *arguments: object, package: str, lines: Mapping[str, str], **options: object
    ) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type] # handed through
        self._package = package
        for name, line in lines.items():
            self.add_command(click.Command(name, short_help=line))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order given: that of a provider's first day."""
        del ctx
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Put the real command in the stub's place."""
        name, stub, rest = super().resolve_command(ctx, args)
        if name is None or stub is None:
            return name, stub, rest
        real: click.Command = import_module(f"{self._package}.{name}").command
        return name, real, rest
