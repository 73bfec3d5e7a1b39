"""Commands of users."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mapper.commands.console import Console, command
from mapper.domain.roles import Role
from mapper.services import accounts


def commands(console: Console) -> click.Group:
    """``users add``."""
    _ = console.say
    group = click.Group("users", help=_("Users."))

    @command(
        group,
        "add",
        _("Add a user, or renew the one of that name: a new token, and new areas."),
        click.Argument(["name"]),
        click.Option(
            ["--role"], required=True, type=click.Choice([r.value for r in Role]), help=_("What the user may do.")
        ),
        click.Option(
            ["--area", "areas"], multiple=True, help=_("Code of a unit or hamlet; may be given several times.")
        ),
        click.Option(
            ["--password"],
            is_flag=True,
            help=_("Ask for a password, for signing in with a browser; MAPPER_NEW_PASSWORD may hold it."),
        ),
        click.Option(
            ["--qr"], type=click.Path(path_type=Path), help=_("Draw the phone's QR code into this file (.png, .svg).")
        ),
        click.Option(["--json", "as_json"], is_flag=True, help=_("Answer as JSON: name, token, server_url.")),
    )
    def add_user(name: str, role: str, areas: tuple[str, ...], password: bool, qr: Path | None, as_json: bool) -> None:
        secret = console.settings.new_password or None
        if password and secret is None:
            secret = click.prompt(_("Password"), hide_input=True, confirmation_prompt=True, err=True)
        made = accounts.add_user(console.opened(), name, role, areas, secret)
        root = (console.settings.public_url or "http://127.0.0.1:8000").rstrip("/")
        facts = {"name": made.name, "token": made.token, "server_url": f"{root}/key/{made.token}"}
        if qr is not None:
            if not console.settings.public_url:
                click.echo(
                    _(
                        "No phone reaches {url}. Set MAPPER_PUBLIC_URL to the server's address, then draw again.",
                        url=root,
                    ),
                    err=True,
                )
            from mapper.formats.collect_settings import write_qr_code

            write_qr_code(qr, facts["server_url"], console.settings.project_name, console.settings.language)
        if as_json:
            click.echo(json.dumps(facts, ensure_ascii=False))
            return
        click.echo(_("User {name} is ready.", name=made.name))
        click.echo(_("Server address for ODK Collect: {url}", url=facts["server_url"]))
        click.echo(_("Token for programs: {token}", token=made.token))

    return group
