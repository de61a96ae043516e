"""`bptrain cache`"""

import typer

from bptrain.cli.arguments import Json, print_json

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def command(context: typer.Context) -> None:
    """Show or clear the parsed tables kept for the next run."""
    if context.invoked_subcommand is None:
        show()


@app.command()
def show(as_json: Json = False) -> None:
    """Print what is kept, and where."""
    from bptrain.commands.cache import cache_contents

    found = cache_contents()
    if as_json:
        print_json(found.to_json())
    else:
        from bptrain.console.cache_list import cache_table

        cache_table(found)


@app.command()
def clear(as_json: Json = False) -> None:
    """Remove all of it; nothing but time is lost."""
    from bptrain.commands.cache import clear_cache

    removed = clear_cache()
    if as_json:
        print_json({"folder": removed.folder, "tables": len(removed.tables), "bytes": removed.bytes})
    else:
        from bptrain.console.cache_list import print_removed

        print_removed(removed)
