"""`vector-assets keys`: makes, lists and revokes keys to read with."""

from datetime import UTC, datetime

import click

from vector_assets.cli.options import json_option
from vector_assets.core import read_keys
from vector_assets.core.errors import UsageError
from vector_assets.core.read_keys import KeyFile, ReadKey
from vector_assets.core.settings import Settings, load_settings


@click.group()
def keys() -> None:
    """Make, list and revoke keys to read with.

    They are in the file that READ_KEYS_FILE names, as hashes. A running `serve` follows the file.
    """


@keys.command()
@click.argument("name")
@click.option("--viewer", default="", help="E-mail of the person as whom the key reads.")
@click.option(
    "--group", "groups", multiple=True, help="Another reader of that person; may be repeated."
)
@click.option(
    "--any-viewer", is_flag=True, help="May name any viewer: for a program that knows its users."
)
@click.option("--public", "public_only", is_flag=True, help="Reads public documents only.")
def add(
    name: str, viewer: str, groups: tuple[str, ...], any_viewer: bool, public_only: bool
) -> None:
    """Make a key and print it, once: only its hash is stored.

    \b
    Examples:
      vector-assets keys add ada-laptop --viewer ada@example.com
      vector-assets keys add intranet --any-viewer
      vector-assets keys add website --public
    """
    settings = load_settings()
    file = _file(settings)
    if [bool(viewer.strip()), any_viewer, public_only].count(True) != 1:
        raise UsageError("give exactly one of --viewer EMAIL, --any-viewer and --public")
    if groups and not viewer.strip():
        raise UsageError("--group was given without --viewer: groups belong to a person")
    binding = read_keys.VIEWER
    if not viewer.strip():
        binding = read_keys.ANY_VIEWER if any_viewer else read_keys.PUBLIC_ONLY
    if any(key.name == name for key in _of_variable(settings)):
        raise UsageError(f"READ_KEYS has a key named {name!r}: choose another name")
    today = datetime.now(UTC).date()
    secret, key = read_keys.new_key(name, binding, today, viewer=viewer, groups=groups)
    file.add(key)
    click.echo(secret)
    click.echo(
        f"{name} reads {_described(key)}; the key is not shown again. Its hash is in {file.path}",
        err=True,
    )


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """Show the name, binding and day of each key, never the key."""
    from vector_assets.cli.output.console import print_json

    settings = load_settings()
    shown = list(_of_variable(settings))
    if settings.read_keys_file:
        shown += _file(settings).read()
    if as_json:
        print_json([_as_json(key) for key in shown])
        return
    for key in shown:
        click.echo(f"{key.name:<24} {key.created}  reads {_described(key)}")
    if settings.read_api_key.get_secret_value():
        click.echo("READ_API_KEY is set too: it may name any viewer", err=True)
    elif not shown:
        click.echo("there are no keys: `vector-assets keys add` makes one", err=True)


@keys.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Remove a key; a running `serve` refuses it from the next request on."""
    settings = load_settings()
    if any(key.name == name for key in _of_variable(settings)):
        raise UsageError(
            f"{name!r} is in READ_KEYS: remove its line there, and start `serve` again"
        )
    _file(settings).revoke(name)
    click.echo(f"{name} is revoked", err=True)


def _file(settings: Settings) -> KeyFile:
    if not settings.read_keys_file:
        raise UsageError(
            "READ_KEYS_FILE is not set: set it to the file that shall hold the keys, for `serve` "
            "as well"
        )
    return KeyFile(settings.read_keys_file)


def _of_variable(settings: Settings) -> tuple[ReadKey, ...]:
    return read_keys.parse_keys(settings.read_keys.get_secret_value(), "READ_KEYS")


def _described(key: ReadKey) -> str:
    if key.binding == read_keys.ANY_VIEWER:
        return "for any viewer that a request names"
    if key.binding == read_keys.PUBLIC_ONLY:
        return "public documents only"
    return f"as {', '.join((key.viewer, *key.groups))}"


def _as_json(key: ReadKey) -> dict[str, object]:
    return {
        "name": key.name,
        "binding": key.binding,
        "viewer": key.viewer,
        "groups": list(key.groups),
        "created": key.created.isoformat(),
    }
