"""The summary of a network on the terminal."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bptrain.console.terminal import output
from bptrain.model.summary import Summary
from bptrain.nn.cost import LayerCost


def summary(one: Summary) -> None:
    """The layers with their costs, the totals, and the formulas in force."""
    console = output()
    parts = ", ".join(f"{count:,} {name}" for name, count in one.rows.items())
    facts = [("rows", parts), ("target", one.target)]
    facts.append(("batch", f"{one.batch_size:,} rows, {one.steps_per_epoch:,} steps an epoch"))
    console.print(Text(one.name, style="bold"))
    console.print(lines(facts))
    console.print()
    tables = (table(one, between) for between in (", ", "\n"))
    fitting = (
        each
        for each in tables
        if console.measure(each, options=console.options.update(max_width=1000)).maximum <= console.width
    )
    console.print(next(fitting, None) or listing(one))
    console.print()
    totals = one.totals
    memory = [("parameters", totals.parameter_bytes), ("gradient", totals.gradient_bytes)]
    memory += [("optimizer", totals.optimizer_bytes), ("activations", totals.activation_bytes)]
    steps = f"{count(totals.forward)} forward + {count(totals.backward)} backward"
    costs = [
        ("parameters", f"{totals.parameters:,}"),
        ("memory", ", ".join(f"{name} {size(taken)}" for name, taken in memory)),
        ("FLOPs a step", f"{steps}; 2 · rows · inputs · outputs for a product, twice that backward"),
    ]
    console.print(lines(costs))
    console.print()
    console.print(lines((fact.name, fact.text) for fact in one.formulas))


def lines(pairs: Iterable[tuple[str, str]]) -> Table:
    """Names and texts side by side, the texts wrapped."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in pairs:
        grid.add_row(Text(name), Text(text))
    return grid


def table(one: Summary, between: str) -> Table:
    """A row for each layer; what stands `between` its initializers decides how wide it is."""
    found = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    found.add_column("layer", no_wrap=True)
    for name in ("output", "parameters"):
        found.add_column(name, justify="right", no_wrap=True)
    found.add_column("initializer", no_wrap=True)
    for name in ("memory", "FLOPs"):
        found.add_column(name, justify="right", no_wrap=True)
    for layer in one.layers:
        taken = size(layer.parameter_bytes + layer.activation_bytes)
        cells = (
            layer.name,
            shape(layer),
            f"{layer.parameters:,}",
            starts(layer, between),
            taken,
            count(operations(one, layer)),
        )
        found.add_row(*map(Text, cells))
    return found


def listing(one: Summary) -> Table:
    """Each layer with what is to be said of it below its name."""
    found = Table.grid()
    found.add_column(overflow="fold")
    for layer in one.layers:
        found.add_row(Text(layer.name, style="bold").append(f" → {shape(layer)}", style="not bold"))
        if layer.parameters:
            found.add_row(Text(f"  {layer.parameters:,} parameters"))
            found.add_row(Text(f"  {starts(layer)}"))
        taken = size(layer.parameter_bytes + layer.activation_bytes)
        found.add_row(Text(f"  {taken}, {count(operations(one, layer))} FLOPs a step"))
    return found


def operations(one: Summary, layer: LayerCost) -> float:
    """Of a layer in a step, which may have several batches."""
    batches = one.totals.forward / max(sum(each.forward for each in one.layers), 1)
    return (layer.forward + layer.backward) * batches


def shape(layer: LayerCost) -> str:
    """The output of a layer for a row."""
    return " x ".join(map(str, layer.shape))


def starts(layer: LayerCost, between: str = ", ") -> str:
    """What the parameters of a layer start from: `weight he_normal, bias zeros`."""
    return between.join(f"{key} {name}" for key, name in layer.initializers.items())


def size(taken: float) -> str:
    """Bytes in a readable unit, powers of 1024."""
    return render_quantity(taken, 1024, ("B", "KiB", "MiB", "GiB", "TiB"))


def count(number: float) -> str:
    """A count in a readable unit, powers of 1000."""
    return render_quantity(number, 1000, ("", "k", "M", "G", "T", "P")).strip()


def render_quantity(number: float, step: int, units: tuple[str, ...]) -> str:
    """Write a number in three digits with the largest unit that leaves 1 or more of it."""
    for unit in units:
        if number < step or unit == units[-1]:
            break
        number /= step
    return f"{number:.0f} {unit}" if number == int(number) or number >= 100 else f"{number:.3g} {unit}"
