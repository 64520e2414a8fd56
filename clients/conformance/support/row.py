"""One row of the scenario: a workspace of its own, and its steps in order."""

import datetime
import json
import pathlib
import re
import time

import grpc

from support.match import differences
from support.program import Failure, Program
from support.server import Server

POLL_SECONDS = 0.05
# Commands that are about a request, and take what they do not say from the scenario's `guard`.
REQUESTS = ("guard", "open", "parallel", "record", "bench")


class Row:
    """What one row needs to run."""

    def __init__(self, scenario, row, server: Server, program: Program, folder) -> None:
        self.scenario, self.row, self.server, self.program = scenario, row, server, program
        now = datetime.datetime.now(datetime.timezone.utc)
        self.saved: dict = {}
        self.names = {
            "$workspace": row["name"].replace("_", "-"),
            "$address": server.address,
            "$ago_1h": stamp(now - datetime.timedelta(hours=1)),
            "$ago_2d": stamp(now - datetime.timedelta(days=2)),
            "$in_1h": stamp(now + datetime.timedelta(hours=1)),
        }
        self.folder = folder

    def run(self) -> str | None:
        """Runs every step; says what was not as expected, or nothing."""
        step = "beginning"
        try:
            self.begin()
            for step in self.row["steps"]:
                self.step(step)
            self.program.send({"command": "close"})
        except (Failure, grpc.RpcError, OSError) as error:
            # What a broken client holds must not reach the next row.
            self.program.kill()
            return f"{error}\nin {json.dumps(step, ensure_ascii=False)}"
        finally:
            self.server.resume()
            self.server.start()
        return None

    def begin(self) -> None:
        plan = self.row.get("plan", self.scenario["plan"])
        self.server.workspace(self.names["$workspace"], self.scenario["models"], plan)
        for given in self.row.get("given", []):
            self.call(given)
        connect = self.fill({**self.scenario["connect"], **self.row.get("connect", {})})
        self.check({"result": "connected"}, self.program.send(connect))

    def step(self, step: dict) -> None:
        if "send" in step:
            answer = self.program.send(self.command(step["send"]))
            self.check(step["expect"], answer)
            self.saved[step.get("save")] = answer
        elif "call" in step:
            self.call(step)
        elif "server" in step:
            getattr(self.server, step["server"])()
        elif step["program"] == "end":
            self.program.end(step.get("within_ms", 0) / 1000)
        elif step["program"] == "kill":
            self.program.kill()
        else:
            self.program.start()

    def command(self, send: dict) -> dict:
        command = {"command": "guard", **send}
        if command["command"] in REQUESTS:
            command = {**self.scenario["guard"], **command}
        elif command["command"] == "finish":
            command = {"usage": self.scenario["guard"]["usage"], **command}
        elif command["command"] == "connect":
            command = {**self.scenario["connect"], **command}
        return self.fill(command)

    def call(self, step: dict) -> None:
        """A call to the server; with `within_ms` again until the answer is as expected."""
        request = self.fill({"workspace_id": "$workspace", **step.get("request", {})})
        end = time.monotonic() + step.get("within_ms", 0) / 1000
        while True:
            try:
                self.check(step.get("expect", {}), self.server.call(step["call"], request))
                return
            except Failure:
                if time.monotonic() > end:
                    raise
            time.sleep(POLL_SECONDS)

    def check(self, expected, answer) -> None:
        found = differences(self.fill(expected), answer)
        if found:
            raise Failure("\n".join(found) + f"\nof {json.dumps(answer, ensure_ascii=False)}")

    def fill(self, value):
        """Puts values in the place of their names: `$address`, and `$saved.field` of an answer."""
        if isinstance(value, dict):
            return {name: self.fill(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner) for inner in value]
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        if value.startswith("$folder/"):
            return str(self.folder / value.removeprefix("$folder/"))
        reference = re.fullmatch(r"\$(\w+)\.(\w+)", value)
        if reference:
            return self.saved[reference[1]].get(reference[2])
        return self.names[value]

    def bench(self, calls: int) -> dict | None:
        try:
            self.begin()
            answer = self.program.send(self.command({"command": "bench", "calls": calls}))
            self.check({"guard_us": {"$min": 1}, "bare_us": {"$min": 1}, "queued_us": {"$min": 1}}, answer)
            self.program.send({"command": "close"})
            return answer
        except (Failure, grpc.RpcError) as error:
            print(f"  no overhead: {error}")
            return None


def convert(folder: pathlib.Path, program: Program) -> str | None:
    """Every recorded shape, by its provider's converter and by the one that recognises it."""
    problems = []
    for path in sorted(folder.glob("*.json")):
        case = json.loads(path.read_text())
        for provider in (case["provider"], "any"):
            command = {"command": "convert", "provider": provider, "input": case["input"]}
            try:
                answer = program.send(command)
            except Failure as error:
                return "\n".join([*problems, f"{path.stem} as {provider}: {error}"])
            expected = case["expected"]
            # All of the usage: classes that are not expected are not there.
            usage = dict.fromkeys(answer.get("usage") or {}) | expected["usage"]
            for difference in differences({**expected, "usage": usage}, answer):
                problems.append(f"{path.stem} as {provider}: {difference}")
    return "\n".join(problems) or None


def stamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
