"""What commands tell on stderr while they work."""

import click


def notice(text: str) -> None:
    """One line on stderr about what a user should know and that stops nothing."""
    click.echo(f"Note: {' '.join(text.split())}", err=True)
