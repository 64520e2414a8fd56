"""Deliveries of the real server to a webhook, before and while its secret is rotated.

What is received is handed to a program as it came; it says whether it is from the server.
"""

import http.server
import queue
import threading

import grpc

from support.match import differences
from support.program import Failure, Program
from support.server import Server

RECEIVE_SECONDS = 20
WORKSPACE = "webhooks"
OTHER_SECRET = "whsec_b3RoZXIgc2VjcmV0IG9mIHRoZSBzYW1lIGxlbmd0aCE="
VERIFIED = {"result": "verified"}
MISMATCH = {"result": "refused", "message": {"$contains": "webhook-signature does not fit"}}


def webhooks(server: Server, program: Program) -> str | None:
    """Says what was not as expected, or nothing."""
    receiver = Receiver()
    try:
        problems = verify(server, program, receiver)
    except (Failure, grpc.RpcError) as error:
        problems = [str(error)]
    finally:
        receiver.close()
    return "\n".join(problems) or None


def verify(server: Server, program: Program, receiver: "Receiver") -> list[str]:
    of_webhook = {"workspace_id": WORKSPACE, "webhook_id": "hook"}
    server.call("WorkspaceService/CreateWorkspace", {"workspace": {"workspace_id": WORKSPACE}})
    webhook = {"webhook_id": "hook", "url": receiver.url}
    old = server.call("AlertService/CreateWebhook", {"workspace_id": WORKSPACE, "webhook": webhook})["secret"]
    headers, body = receiver.deliver(server, of_webhook)
    cases = [
        ("the secret", [old], headers, body, VERIFIED),
        ("two secrets", [OTHER_SECRET, old], headers, body, VERIFIED),
        ("another secret", [OTHER_SECRET], headers, body, MISMATCH),
        ("another body", [old], headers, body.replace("hook", "hock"), MISMATCH),
        ("another id", [old], {**headers, "webhook-id": "another"}, body, MISMATCH),
    ]
    new = server.call("AlertService/RotateWebhookSecret", of_webhook)["secret"]
    headers, body = receiver.deliver(server, of_webhook)
    if len(headers["webhook-signature"].split(" ")) != 2:
        return ["the server does not sign with both secrets"]
    cases += [
        ("rotated: the old secret", [old], headers, body, VERIFIED),
        ("rotated: the new secret", [new], headers, body, VERIFIED),
        ("rotated: another secret", [OTHER_SECRET], headers, body, MISMATCH),
    ]
    problems = []
    for name, secrets, headers, body, expected in cases:
        command = {"command": "verify_webhook", "secrets": secrets, "headers": headers, "body": body}
        problems += [f"{name}: {found}" for found in differences(expected, program.send(command))]
    return problems


class Receiver:
    """A server for deliveries on loopback, which accepts all."""

    def __init__(self) -> None:
        self.received: queue.Queue[tuple[dict, str]] = queue.Queue()
        received = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                received.put((dict(self.headers.items()), body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/hook"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def deliver(self, server: Server, of_webhook: dict) -> tuple[dict, str]:
        """Lets the server send a test delivery; gives its headers and its body."""
        tested = server.call("AlertService/TestWebhook", of_webhook)
        if not tested["delivered"]:
            raise Failure(f"the server does not deliver: {tested['error']}")
        try:
            return self.received.get(timeout=RECEIVE_SECONDS)
        except queue.Empty:
            raise Failure("no delivery came") from None

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
