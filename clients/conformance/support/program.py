"""A language's program: commands to its stdin, answers from its stdout, each within a time."""

import collections
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading

ANSWER_SECONDS = 150
# The first answer of a program that has to be built.
FIRST_ANSWER_SECONDS = 600
END_SECONDS = 60
LOG_LINES = 15
# A secret of an access token, which no program may say or log.
SECRET = re.compile(r"tg_\w{16,}")


class Program:
    """Starts when it is first needed, and anew after it was killed or has ended."""

    def __init__(self, language: str, folder: pathlib.Path) -> None:
        self.language, self.folder = language, folder
        self.process: subprocess.Popen | None = None
        self.answers: queue.Queue[str | None] = queue.Queue()
        self.log: collections.deque[str] = collections.deque(maxlen=LOG_LINES)
        self.answered = False
        # Of one row: all that was logged, and what of it, or of the answers, was a secret.
        self.logged: list[str] = []
        self.leaks: list[str] = []

    def begin_row(self) -> None:
        self.logged, self.leaks = [], []

    def start(self) -> None:
        if self.process is not None:
            return
        self.answers = queue.Queue()
        self.process = subprocess.Popen(
            [self.folder / "run-conformance"],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            bufsize=1,
            # So that a build tool's children end with it.
            start_new_session=True,
        )
        threading.Thread(
            target=self.read_answers, args=(self.process.stdout, self.answers), daemon=True
        ).start()
        threading.Thread(target=self.read_log, args=(self.process.stderr,), daemon=True).start()

    def read_answers(self, stream, answers) -> None:
        for line in stream:
            self.look_for_secrets(line)
            answers.put(line)
        answers.put(None)

    def read_log(self, stream) -> None:
        for line in stream:
            self.look_for_secrets(line)
            self.log.append(line.rstrip())
            self.logged.append(line.rstrip())

    def look_for_secrets(self, line: str) -> None:
        if SECRET.search(line):
            self.leaks.append(SECRET.sub("tg_...", line).rstrip())

    def log_tail(self) -> list[str]:
        lines = list(self.log)
        self.log.clear()
        return lines

    def send(self, command: dict) -> dict:
        self.start()
        try:
            self.process.stdin.write(json.dumps(command, ensure_ascii=False) + "\n")
            self.process.stdin.flush()
            seconds = ANSWER_SECONDS if self.answered else FIRST_ANSWER_SECONDS
            line = self.answers.get(timeout=seconds)
        except BrokenPipeError:
            line = None
        except queue.Empty:
            self.kill()
            raise Failure(f"no answer within {seconds} s") from None
        if line is None:
            self.kill()
            raise Failure("the program ended")
        self.answered = True
        try:
            return json.loads(line)
        except ValueError:
            raise Failure(f"not an answer in JSON: {line!r}") from None

    def end(self, seconds: float | None = None) -> None:
        """Closes stdin and waits for an ordinary end."""
        seconds = seconds or END_SECONDS
        self.process.stdin.close()
        try:
            status = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"the program did not end within {seconds} s") from None
        self.process = None
        if status != 0:
            raise Failure(f"the program ended with status {status}")

    def kill(self) -> None:
        if self.process is not None:
            kill_session(self.process)
            self.process = None


def kill_session(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class Failure(Exception):
    """Something was not as the scenario says."""
