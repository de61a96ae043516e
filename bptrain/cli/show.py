"""`bptrain show`"""

from bptrain.cli.arguments import Config, Overrides


def command(config: Config, overrides: Overrides = None) -> None:
    """Print the config as it would run, every default filled in, with the network that comes of it."""
    from bptrain.console.text import printable
    from bptrain.training import show

    for line in show(config, overrides or ()).split("\n")[:-1]:
        print(printable(line))
