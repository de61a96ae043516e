"""The summary of a network on the terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.console.layout import measure_width, new_list, new_pairs, new_table
from bptrain.console.terminal import get_console
from bptrain.model.summary import Summary
from bptrain.quantities import format_bytes, format_count

HEADINGS = ("layer", "output", "parameters", "initializer", "memory", "FLOPs")


def print_summary(found: Summary) -> None:
    """Print the layers with their costs, the totals, and the formulas that the network uses."""
    console = get_console()
    console.print(Text(found.name, style="bold"))
    rows = ", ".join(f"{count:,} {name}" for name, count in found.rows.items())
    batch = f"{found.batch_size:,} rows, {found.steps_per_epoch:,} step{'s' * (found.steps_per_epoch != 1)} an epoch"
    console.print(new_pairs([("rows", rows), ("target", found.target), ("batch", batch)]))
    console.print()
    console.print(render_layers(found, console))
    console.print()
    totals = found.totals
    memory = [("parameters", totals.parameter_bytes), ("gradient", totals.gradient_bytes)]
    memory += [("optimizer", totals.optimizer_bytes), ("activations", totals.activation_bytes)]
    flops = f"{format_count(totals.forward)} forward + {format_count(totals.backward)} backward"
    costs = [
        ("parameters", f"{totals.parameters:,}"),
        ("memory", ", ".join(f"{name} {format_bytes(taken)}" for name, taken in memory)),
        (
            "FLOPs a step",
            f"{flops}; a dense layer takes 2 · rows · inputs · units forward and twice that backward, "
            "only once in the first layer",
        ),
    ]
    console.print(new_pairs(costs))
    console.print()
    console.print(new_pairs((fact.name, fact.text) for fact in found.formulas))


def list_layers(found: Summary) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each layer; its FLOPs are for one step, which may have several batches."""
    batches = found.totals.forward / max(sum(each.forward for each in found.layers), 1)
    for layer in found.layers:
        shape = " x ".join(map(str, layer.shape))
        initializers = ", ".join(f"{key} {name}" for key, name in layer.initializers.items())
        memory = format_bytes(layer.parameter_bytes + layer.activation_bytes)
        flops = format_count((layer.forward + layer.backward) * batches)
        yield layer.name, shape, f"{layer.parameters:,}", initializers, memory, flops


def render_layers(found: Summary, console: Console) -> Table:
    """Return a row for each layer, with its initializers on one line or on several, or a list, whichever fits first."""
    rows = list(list_layers(found))
    for between in (", ", "\n"):
        table = new_table([], HEADINGS)
        table.columns[0].justify = table.columns[3].justify = "left"
        for row in rows:
            table.add_row(*(Text(cell.replace(", ", between)) for cell in row))
        if measure_width(table, console) <= console.width:
            return table
    return new_list(HEADINGS, rows)
