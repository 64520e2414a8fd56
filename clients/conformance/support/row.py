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
# What was logged before an answer may be read after it.
LOG_SECONDS = 5
# Commands that are about a request, and take what they do not say from the scenario's `guard`.
REQUESTS = ("guard", "open", "parallel", "record", "bench", "watch")
EVENTS = 200


class Row:
    """What one row needs to run."""

    def __init__(self, scenario, row, server: Server, program: Program, folder) -> None:
        self.scenario, self.row, self.server, self.program = scenario, row, server, program
        now = datetime.datetime.now(datetime.timezone.utc)
        self.saved: dict = {}
        workspace = row["name"].replace("_", "-")
        # "nowhere" is a workspace that there is not.
        token = server.token("SERVICE", [workspace, "nowhere"])
        authority = server.authority
        self.names = {
            "$workspace": workspace,
            "$address": server.address,
            "$http_address": f"http://{server.address}",
            "$https_address": f"https://{server.address}",
            "$unix_address": f"unix:{server.socket_path}",
            "$localhost": f"localhost:{server.port}",
            "$token": token["secret"] or None,
            "$padded_token": f" {token['secret']}\n",
            "$token_id": token["token_id"],
            "$roots": authority and authority.roots,
            "$other_roots": authority and authority.other_roots,
            "$stream": stream(),
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
            if self.program.leaks:
                raise Failure(f"a secret is said: {self.program.leaks}")
        except (Failure, grpc.RpcError, OSError) as error:
            # What a broken client holds must not reach the next row.
            self.program.kill()
            return f"{error}\nin {json.dumps(step, ensure_ascii=False)}"
        finally:
            self.server.resume()
            self.server.start()
        return None

    def begin(self) -> None:
        self.program.begin_row()
        plan = self.row.get("plan", self.scenario["plan"])
        self.server.workspace(self.names["$workspace"], self.scenario["models"], plan)
        for given in self.row.get("given", []):
            self.again(given, self.call)
        connect = self.fill({**self.scenario["connect"], **self.row.get("connect", {})})
        self.check({"result": "connected"}, self.program.send(connect))

    def step(self, step: dict) -> None:
        if "send" in step:
            self.saved[step.get("save")] = self.again(step, self.send)
        elif "call" in step:
            self.saved[step.get("save")] = self.again(step, self.call)
        elif "token" in step:
            self.saved[step["save"]] = self.server.token(**self.fill(step["token"]))
        elif "write" in step:
            # As editors and shells do, with an end of line.
            pathlib.Path(self.fill(step["write"])).write_text(self.fill(step["text"]) + "\n")
        elif "log" in step:
            self.again({"within_ms": LOG_SECONDS * 1000, **step}, self.log)
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
        default = dict(self.scenario["guard"])
        if "provider_answer" in command:
            del default["usage"]
        if command["command"] in REQUESTS:
            command = {**default, **command}
        elif command["command"] == "finish" and "usage" in default:
            command = {"usage": default["usage"], **command}
        elif command["command"] == "resume":
            command = {"workspace": default["workspace"], **command}
        elif command["command"] == "connect":
            command = {**self.scenario["connect"], **command}
        return self.fill(command)

    def again(self, step: dict, do) -> dict:
        """With `within_ms` again until it is as expected."""
        end = time.monotonic() + step.get("within_ms", 0) / 1000
        while True:
            try:
                return do(step)
            except Failure:
                if time.monotonic() > end:
                    raise
            time.sleep(POLL_SECONDS)

    def send(self, step: dict) -> dict:
        answer = self.program.send(self.command(step["send"]))
        self.check(step["expect"], answer)
        return answer

    def call(self, step: dict) -> dict:
        request = self.fill({"workspace_id": "$workspace", **step.get("request", {})})
        answer = self.server.call(step["call"], request)
        self.check(step.get("expect", {}), answer)
        return answer

    def log(self, step: dict) -> dict:
        self.check(step["log"], "\n".join(self.program.logged))
        return {}

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


def answers(folder: pathlib.Path, row: Row) -> str | None:
    """Hands every recorded answer over, with the hint and without; the server reads what it should."""
    problems = []
    try:
        row.begin()
        for path in sorted(folder.glob("*.json")):
            case = json.loads(path.read_text())
            for hint in dict.fromkeys((case["provider"], "")):
                about = f"{path.stem} as {hint or 'any'}"
                problems += [f"{about}: {found}" for found in handed_over(row, case, about, hint)]
        row.program.send({"command": "close"})
    except (Failure, grpc.RpcError, OSError) as error:
        row.program.kill()
        problems.append(str(error))
    return "\n".join(problems) or None


def handed_over(row: Row, case: dict, request_id: str, hint: str) -> list[str]:
    expected = case["expected"]
    refused = expected.get("error")
    record = {
        "command": "record",
        "workspace": row.names["$workspace"],
        "request_id": request_id,
        "outcome": "SUCCESS",
        "provider_answer": {"provider": hint, "parts": [case["input"]]},
        # An answer that names no model needs one.
        "model": None if refused or expected["model"] else "large",
    }
    answer = row.program.send(record)
    request = {"workspace_id": row.names["$workspace"], "request_id": request_id}
    records = row.server.call("UsageService/ListUsageRecords", request)
    if refused:
        found = differences({"result": "error", "code": refused}, answer)
        return found + differences({"records": []}, records)
    # All of the usage: classes that are not expected are not there.
    usage = dict.fromkeys(answer.get("usage") or {}) | expected["usage"]
    read = {"result": "recorded", "unread": False, "attempt": 0, "usage": usage}
    listed = {"model_id": expected["model"] or "large"}
    listed["service_tier"] = f"SERVICE_TIER_{expected['service_tier'] or 'STANDARD'}"
    if "factors" in expected:
        listed["factors"] = expected["factors"]
    return differences(read, answer) + differences({"records": [listed]}, records)


def addresses(path: pathlib.Path, program: Program) -> str | None:
    """Every address is dialled, or refused when the client is made; one with a secret is not said."""
    file, problems = json.loads(path.read_text()), []
    dialled = {"result": "connected"}
    refused = {"result": "refused", "message": {"$contains": "address", "$lacks": "secret"}}
    cases = [(case["address"], dialled) for case in file["dialled"]]
    cases += [(address, refused) for address in file["refused"]]
    try:
        for address, expected in cases:
            program.send({"command": "close"})
            connect = {"command": "connect", "address": address, "on_unavailable": "open"}
            answer = program.send({**connect, "timeout_ms": 2000})
            problems += [f"{address}: {found}" for found in differences(expected, answer)]
        program.send({"command": "close"})
    except Failure as error:
        problems.append(str(error))
    return "\n".join(problems) or None


def reduce(path: pathlib.Path, program: Program) -> str | None:
    """Every case of the rule, as an object and as JSON; and which of many parts are kept."""
    file, problems = json.loads(path.read_text()), []

    def check(name: str, parts: list, expected: dict) -> None:
        answer = program.send({"command": "reduce", "parts": parts})
        problems.extend(f"{name}: {found}" for found in exactly(expected, answer))

    try:
        for case in file["cases"]:
            reduced = case["reduced"] if isinstance(case["reduced"], list) else [case["reduced"]]
            expected = {"parts": [part for part in reduced if part] or [{}]}
            check(f"{case['name']}, as JSON", [json.dumps(case["input"])], expected)
            if not isinstance(case["input"], str):
                check(case["name"], [case["input"]], expected)
        for case in file["selections"]:
            check(case["name"], case["parts"], {"parts": case["kept"]})
        for case in file["refusals"]:
            answer = program.send({"command": "reduce", "parts": [case["part"]]})
            found = differences({"result": "refused", "message": {"$lacks": "SECRET"}}, answer)
            problems.extend(f"{case['name']}: {difference}" for difference in found)
    except Failure as error:
        problems.append(str(error))
    return "\n".join(problems) or None


def estimate(path: pathlib.Path, program: Program) -> str | None:
    """Every case of the estimate of an input."""
    problems = []
    try:
        for case in json.loads(path.read_text())["cases"]:
            answer = program.send({"command": "estimate", "content": case["content"]})
            found = differences({"tokens": case["tokens"]}, answer)
            problems += [f"{case['name']}: {difference}" for difference in found]
    except Failure as error:
        problems.append(str(error))
    return "\n".join(problems) or None


def exactly(expected: dict, answer: dict) -> list[str]:
    """As `differences`, but nothing more may be there; numbers are compared by value."""
    return [] if expected == answer else [f"{json.dumps(answer)} is not {json.dumps(expected)}"]


def stream() -> list[dict]:
    """The events of a long stream, of which the last but one has usage."""
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "large"}
    choices = [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]
    usage = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
    words = [{**common, "choices": choices} for _ in range(EVENTS)]
    return [*words, {**common, "choices": [], "usage": usage}, {**common, "choices": []}]


def stamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
