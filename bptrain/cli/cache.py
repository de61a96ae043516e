"""`bptrain cache`"""

import typer

from bptrain.cli.arguments import Json, PlainCommand, print_json

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def command(context: typer.Context) -> None:
    """Show or clear the cache of parsed tables."""
    if context.invoked_subcommand is None:
        show()


@app.command(cls=PlainCommand)
def show(as_json: Json = False) -> None:
    """List the tables in the cache."""
    from bptrain.commands.cache import cache_contents

    found = cache_contents()
    if as_json:
        print_json(found.to_json())
    else:
        from bptrain.console.scores.run_tables import print_cache

        print_cache(found)


@app.command(cls=PlainCommand)
def clear(as_json: Json = False) -> None:
    """Remove all tables; files are parsed again when they are next read."""
    from bptrain.commands.cache import clear_cache

    removed = clear_cache()
    if as_json:
        print_json({"folder": removed.folder, "tables": len(removed.tables), "bytes": removed.bytes})
    else:
        from bptrain.console.scores.run_tables import print_cache

        print_cache(removed, removed=True)
