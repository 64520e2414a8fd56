#!/usr/bin/env bash
# Does what docs/limits.md says, as a new user would: starts the binary, makes every call of the
# chapter with buf curl, and looks whether the answers are those that it promises. A small receiver
# takes the webhook and checks its signature.
set -euo pipefail
guide=limits
source "$(dirname "${BASH_SOURCE[0]}")/support/guide.sh"

cat >receiver.py <<'PYTHON'
import http.server, json

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        got = {"headers": {name: self.headers[name] for name in names}, "body": body}
        with open("deliveries.jsonl", "a") as file:
            file.write(json.dumps(got) + "\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

http.server.HTTPServer(("127.0.0.1", 8099), Receiver).serve_forever()
PYTHON
python3 receiver.py &
others=$!

export TOLLGATE_WEBHOOKS_ALLOW_LOOPBACK=true
start
make_calls docs/limits.md

for _ in $(seq 600); do
    [ "$(cat deliveries.jsonl 2>/dev/null | wc -l)" -ge 2 ] && break
    sleep 0.1
done

python3 - answers.txt deliveries.jsonl <<'PYTHON'
import base64, hashlib, hmac, json, re, sys

answers = {}  # by request id; the last of those without one is under its key
secret = events = usages = None
decoder = json.JSONDecoder()
call = None
text = open(sys.argv[1]).read()
for block in re.split(r"^\$ ", text, flags=re.M)[1:]:
    line, _, rest = block.partition("\n")
    found = []
    rest = rest.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].strip()
    request_id = re.search(r'"request_id": "([^"]+)"', line)
    if "CheckAndRoute" in line:
        if request_id:
            answers[request_id.group(1)] = found[-1]
        elif "explain" in line:
            answers["explain"] = found[-1]
        else:
            answers["minute"] = found
    if "CreateWebhook" in line:
        secret = found[-1]["secret"]
    if "ListAuditEvents" in line:
        events = found[-1]["auditEvents"]
    if "ListQuotaUsage" in line:
        usages = found[-1]["usages"]
    if "ListAlerts" in line:
        alerts = found[-1]["alerts"]

def decided(request_id, decision, reason=None, model=None):
    answer = answers[request_id]
    assert answer["decision"] == "DECISION_" + decision, (request_id, answer)
    if reason:
        reasons = [verdict["reason"] for verdict in answer["verdicts"]]
        assert "REASON_" + reason in reasons, (request_id, answer)
    if model:
        assert answer["modelId"] == model, (request_id, answer)
    return answer

decided("ada-1", "ALLOWED")
decided("ada-2", "ALLOWED", "THRESHOLD_CROSSED")
decided("ada-3", "BLOCKED", "HELD_IN_FLIGHT")
spent = decided("ada-4", "BLOCKED", "EXHAUSTED")
assert spent["retryAfter"] and spent["verdicts"][0]["resetTime"], spent
assert spent["verdicts"][0]["subject"] == {"type": "SUBJECT_TYPE_USER", "id": "ada"}, spent
limits = decided("explain", "BLOCKED")["limits"]
assert [limit["limitKind"] for limit in limits] == ["LIMIT_KIND_ENVELOPE", "LIMIT_KIND_QUOTA"], limits
assert usages[0]["subject"]["id"] == "ada" and usages[0]["quotaId"] == "user-day", usages
decided("ada-5", "ALLOWED")
decided("web-1", "ALLOWED")
decided("app-1", "BLOCKED", "HELD_IN_FLIGHT")
decided("app-2", "BLOCKED", "MODEL_NOT_ALLOWED")
minute = answers["minute"]
assert [answer["decision"] for answer in minute] == ["DECISION_ALLOWED"] * 10 + ["DECISION_BLOCKED"]
assert minute[10]["reason"] == "REASON_RATE_LIMITED" and minute[10]["retryAfter"], minute[10]
decided("agent-1", "ALLOWED")
decided("agent-2", "ALLOWED")
decided("agent-3", "BLOCKED", "HELD_IN_FLIGHT")
decided("agent-4", "BLOCKED", "REQUEST_TOO_LARGE")
decided("helper-1", "ALLOWED")
decided("helper-2", "ROUTED", "HELD_IN_FLIGHT", "gpt-4.1-mini")
decided("tag-1", "ALLOWED")
tagged = decided("tag-2", "BLOCKED", "HELD_IN_FLIGHT")
assert tagged["verdicts"][0]["subject"] == {"type": "SUBJECT_TYPE_TAG", "id": "team=ads"}, tagged
assert [event["actor"] for event in events] == ["grace"] * 3, events
assert {alert["type"] for alert in alerts} == {"ALERT_TYPE_THRESHOLD", "ALERT_TYPE_FALLBACK_BEGAN"}, alerts

key = base64.b64decode(secret.removeprefix("whsec_"))
percents = []
for line in open(sys.argv[2]):
    got = json.loads(line)
    headers = got["headers"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{got['body']}"
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode(), headers
    percents.append(json.loads(got["body"])["data"]["threshold_percent"])
assert sorted(percents) == [50, 80], percents
print("limits: every answer is as the chapter says, both alerts were delivered and signed")
PYTHON
