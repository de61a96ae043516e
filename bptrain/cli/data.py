"""`bptrain data`"""

from dataclasses import replace

from bptrain.cli.arguments import (
    Code,
    ConfigOrData,
    Json,
    Overrides,
    print_json,
    redirect_prints,
    reject_for_config,
    reject_for_data,
    with_reading_options,
)
from bptrain.cli.stdin import STDIN, save_stdin
from bptrain.tables.reading_options import ReadingOptions


@with_reading_options
def command(
    config: ConfigOrData,
    reading: ReadingOptions,
    overrides: Overrides = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Describe a file of data, or the data of a config.

    Shows columns, and for a config its classes and splits too. Columns that are risky to learn from get a warning.
    """
    from bptrain.commands.data import describe_data
    from bptrain.commands.data_file import describe_file
    from bptrain.tables.data_files import is_data_file

    if config == STDIN or is_data_file(config):
        reject_for_data(config, {"KEY=VALUE": overrides, "--code": code})
        with save_stdin(config) as path:
            found = describe_file(path, reading=reading)
        if config == STDIN:
            found = replace(found, origin="stdin", notes=())
    else:
        reject_for_config(config, reading)
        with redirect_prints():
            found = describe_data(config, overrides or (), code=code or ())
    if as_json:
        print_json(found.to_json())
    else:
        from bptrain.console.description import print_description

        print_description(found)
