"""Verdicts on a person's answers, on stdout."""

from rich.text import Text

from bptrain.console.tables import output
from bptrain.console.text import printable
from bptrain.explanation.exercises.verification import Verification, as_written


def verification(found: Verification) -> None:
    """What is right, the first that is not with both values and the likely slip, and what is left."""
    console = output()
    if found.right:
        console.print(Text("right: ", style="green").append(", ".join(found.right), style="default"))
    if found.wrong is not None:
        wrong = found.wrong
        place = f"[{', '.join(map(str, wrong.place))}]" if wrong.place else ""
        console.print(Text("WRONG: ", style="bold red").append(f"{wrong.name}{place}", style="default"))
        console.print(Text(f"  yours  {printable(wrong.answer)}"))
        console.print(Text(f"  truth  {as_written(wrong.truth, wrong.answer)}"))
        console.print(Text("  slip   ").append(wrong.words, style="yellow"))
    if found.others:
        what = "differ too, perhaps because of it"
        console.print(Text(f"{', '.join(found.others)}: {what}", style="dim"))
    if found.blank:
        console.print(Text(f"not answered yet: {', '.join(found.blank)}", style="dim"))
    if found.passed:
        rest = "" if not found.blank else ", as far as there are answers"
        console.print(Text(f"all {len(found.right)} answers are right, to the digits written{rest}", style="green"))
