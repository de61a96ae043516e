"""A page in headless Chromium, asked about itself over the DevTools protocol on a pipe."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def moved(descriptor: int) -> int:
    """The same file under a number of 20 or more."""
    number = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 20)
    os.close(descriptor)
    return number


class Browser:
    """A browser process; messages go to its file descriptor 3 and come back on 4, each ended by a zero byte."""

    def __init__(self, folder: str) -> None:
        # Far from the places where Chromium looks for them, and where the shell puts them.
        (there, self.write), (self.read, back) = (tuple(moved(end) for end in os.pipe()) for _ in range(2))
        script = f'exec "$0" "$@" 3<&{there} 4>&{back}'
        options = ["--headless", "--disable-gpu", "--no-sandbox", "--remote-debugging-pipe", "--hide-scrollbars"]
        self.process = subprocess.Popen(
            ["bash", "-c", script, str(CHROMIUM), *options, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(there, back),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there)
        os.close(back)
        self.buffer, self.sent, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []

    def receive(self) -> dict[str, Any]:
        """The next message."""
        while b"\0" not in self.buffer:
            part = os.read(self.read, 1 << 20)
            if not part:
                raise RuntimeError("the browser has gone")
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and return what it says; events that come meanwhile are kept."""
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            found = self.receive()
            if found.get("id") == self.sent:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']['message']}")
                result: dict[str, Any] = found["result"]
                return result
            self.events.append(found)

    def open(self, path: Path, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Open a file at a size, in light or dark, and wait until it is there."""
        self.session = ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        phone = width < 600
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=scheme)
        self.ask("Page.navigate", url=path.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript comes to on the page."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def complaints(self) -> list[str]:
        """What stands in the console, and exceptions."""
        kinds = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in kinds]

    def requests(self) -> list[str]:
        """The addresses that were asked for, without those that hold the content themselves."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        addresses = [event["params"]["request"]["url"] for event in sent]
        return [address for address in addresses if not address.startswith("data:")]

    def screenshot(self, path: Path, *, height: int | None = None) -> None:
        """The page, or its first lines, as PNG."""
        from base64 import b64decode

        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        taken = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(b64decode(taken["data"]))


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for this block, with a folder of its own that goes with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        one = Browser(folder)
        try:
            yield one
        finally:
            one.process.kill()
            one.process.wait()
            os.close(one.read)
            os.close(one.write)
