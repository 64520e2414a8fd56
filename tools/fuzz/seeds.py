"""Writes inputs and words for fuzzing to begin with: tools/fuzz/seeds.py FOLDER.

They are real ones: answers and price lists of the tests, calls of the documentation, and from
`../shared/data`, where that is, more of both. Each target has a folder, and a dictionary beside it.
"""

import gzip
import hashlib
import json
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
# Entries of one seed of a price list: enough to meet one another, few enough to be fast.
LIST_ENTRIES = 4
LISTS = 60
RECIPES = 3
HISTORIES = 20
# Values of the header; some bytes stand for a secret, or a part of it.
FORMS = (
    b"Bearer \xf0",
    b"bearer  \xf0",
    b"Basic \xf0",
    b"\xf0",
    b"Bearer \xe0\xe8",
    b"Bearer \xe0x\xe8",
    b"Bearer \xf0\0Bearer \xf0",
    b"Bearer \xf0 ",
    b"Bearer\t\xf0",
)
# In lists by id, by time and by use.
POSITIONS = (
    b"",
    b"x",
    b"q-0",
    b"m-1",
    b"1",
    b"-1",
    b"USD.EUR",
    b"1768478400000000.x",
    b"1768478402000000.1",
    b"99999999999999999999.1",
    b"500.q-0.u-0",
)


def main(folder):
    luck = random.Random(1)
    seeds = {
        "requests": list(requests(luck)),
        "credentials": list(credentials()),
        "identities": list(identities()),
        "page_tokens": list(page_tokens()),
        "prices": list(prices(luck)),
        "answers": list(answers()),
        "config": list(config()),
        "ledger": [luck.randbytes(4 * 40) for _ in range(HISTORIES)],
    }
    for target, inputs in seeds.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for data in inputs:
            (folder / target / hashlib.sha1(data).hexdigest()).write_bytes(data)
        # A comment, where there is no word: libFuzzer takes no empty dictionary.
        lines = [f'"{word}"' for word in sorted(words(target, inputs))]
        (folder / f"{target}.dict").write_text("\n".join(["# Words", *lines, ""]))


def words(target, inputs):
    """Names that are in many of the inputs."""
    if target not in ("prices", "answers", "config", "identities"):
        return set()
    found = set()
    for data in inputs:
        found.update(re.findall(rb"[A-Za-z_]{4,40}", data)[:400])
    return {word.decode() for word in found}


def jsonl(name):
    path = DATA / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def answers():
    paths = sorted((ROOT / "clients/conformance/usage").glob("*.json"))
    bodies = [json.loads(path.read_text())["input"] for path in paths]
    bodies += [row["body"] for row in jsonl("provider_usages.jsonl")]
    cases = [row["input"] for row in jsonl("field_cases.jsonl")]
    bodies += [case["answer"] for case in cases if "answer" in case]
    for body in bodies:
        parts = body if isinstance(body, list) else [body]
        texts = [json.dumps(part, separators=(",", ":"), ensure_ascii=False) for part in parts]
        yield b"\0" + "\0".join(texts).encode()


def prices(luck):
    sources = "".join(path.read_text() for path in sorted((ROOT / "src/prices").glob("*.rs")))
    for text in re.findall(r'r#+"(\{.*?\}|\[.*?\])"#+', sources, re.S):
        for choice in (4, 13, 14):
            yield bytes([choice]) + text.encode()
    for choice, name in enumerate(("litellm_model_prices.json", "models_dev_prices.json")):
        path = DATA / name
        entries = json.loads(path.read_text()) if path.exists() else {}
        for _ in range(LISTS if entries else 0):
            some = {name: entries[name] for name in luck.sample(list(entries), LIST_ENTRIES)}
            yield bytes([choice | luck.choice((0, 4, 8, 12))]) + json.dumps(some).encode()
    lines = gzip.decompress((ROOT / "src/prices/list.jsonl.gz").read_bytes()).split(b"\n")
    for _ in range(LISTS // 3):
        yield b"\x03" + b"\n".join([lines[0], *luck.sample(lines[1:], 2)])


def identities():
    document = (ROOT / "docs/security.md").read_text()
    for file in re.findall(r"```toml\n(.*?)```", document, re.DOTALL):
        yield b"\0" + file.encode()
    claims = {
        "iss": "https://id.example",
        "aud": "tollgate",
        "sub": "ada",
        "groups": ["root"],
        "exp": 1768478460,
    }
    header = {"alg": "ES256", "kid": "one"}
    for change in (
        {},
        {"aud": ["other", "tollgate"]},
        {"aud": "other"},
        {"iss": "https://evil.example"},
        {"groups": "finops"},
        {"groups": ["sales"]},
        {"exp": 1768478369},
        {"exp": 1768478371.5},
        {"exp": 1e300},
        {"nbf": 1768478431},
        {"nbf": 1768478430},
        {"sub": ""},
    ):
        text = json.dumps(claims | change).encode()
        yield b"\1" + text
        yield b"\2" + json.dumps(header).encode() + b"\0" + text
    for change in (
        {"alg": "none"},
        {"alg": "HS256"},
        {"kid": "../one"},
        {"kid": None},
        {"crit": ["b64"], "b64": False},
        {"jwk": {"kty": "oct", "k": "AA"}},
        {"typ": "at+jwt"},
    ):
        yield b"\2" + json.dumps(header | change).encode() + b"\0" + json.dumps(claims).encode()
    yield b"\3"
    yield b"\3\xffA"
    yield b"\3\0e\x80x"
    yield b"\4a.b.c"


def config():
    text = (ROOT / "src/config/tests.rs").read_text()
    files = [
        "listen = '0.0.0.0:1'\nauth = 'required'\ntls_certificate = 'c.pem'\ntls_key = 'k.pem'",
        "database = 'postgres://user:hunter2hunter2@host:5432/db?password=x'\nlog_format = 'json'",
        "smtp_url = 'smtps://u:hunter2hunter2@h'\nsmtp_from = 'T <t@example.com>'",
        "cors_allowed_origins = ['https://a.example', 'http://localhost:3000']",
        "log_filter = 'warn,tollgate=debug'\nworker_threads = 2\nshutdown_deadline_seconds = 5",
        "insecure = true\nwebhooks_allow_loopback = true\nlisten = '[::]:1'",
    ]
    for file in files:
        yield file.encode()
    for key, value in re.findall(r'\("([a-z_]+)", "([^"]*)"', text):
        variable = "TOLLGATE_" + key.upper()
        flag = "--" + key.replace("_", "-")
        yield f"\0{variable}={value}".encode()
        yield f"{files[4]}\0{variable}={value}\0{flag}={value}".encode()


def credentials():
    for token in range(8):
        for form in FORMS:
            value = bytes(byte + token if byte in (0xF0, 0xE0, 0xE8) else byte for byte in form)
            yield bytes([0]) + value
            yield bytes([1 + 2 * (11 * token + 5)]) + value


def page_tokens():
    for entry in range(23):
        for position in POSITIONS:
            yield bytes([entry, 1]) + position
        yield bytes([entry, 0]) + b"312e30303030303030303030303030303030302e78"
        yield bytes([entry, 2, (entry + 7) % 23])


def requests(luck):
    """Calls of the cookbook, and recipes for every method."""
    protos = Protos()
    text = (ROOT / "docs/grpcurl.md").read_text()
    calls = re.findall(r"^call (\w+/\w+) '(.*?)'$", text, re.M)
    frames = []
    for path, body in calls:
        if path not in protos.methods:
            continue
        body = re.sub(r'"(model_id|fallback_model_ids)": (\[?)"[^"]*"', r'"\1": \2"a"', body)
        number, request = protos.methods[path]
        message = protos.encode(request, json.loads(body))
        if len(message) < 256:
            frames.append(bytes([number, len(message)]) + message)
    for start in range(0, len(frames), 4):
        yield b"".join(frames[start : start + 8])
    for number, _ in protos.methods.values():
        for _ in range(RECIPES):
            recipe = luck.randbytes(2 * luck.randrange(2, 20))
            yield bytes([number | 128, len(recipe)]) + recipe


class Protos:
    """As much of the protos as it takes to encode the JSON of the cookbook."""

    def __init__(self):
        self.messages, self.enums, self.methods = {}, {}, {}
        services = {}
        for path in sorted((ROOT / "proto/tollgate/v1").glob("*.proto")):
            text = re.sub(r"//.*", "", path.read_text())
            for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", text, re.M | re.S):
                self.messages[name] = self.fields(body)
            for body in re.findall(r"^enum \w+ \{(.*?)^\}", text, re.M | re.S):
                self.enums.update({k: int(v) for k, v in re.findall(r"(\w+) = (\d+);", body)})
            for name, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.M | re.S):
                services[name] = re.findall(r"rpc (\w+)\s*\(\s*(?:stream )?(\w+)", body)
        # In the order of their files, as `build.rs` compiles them.
        for name, methods in services.items():
            for method, request in methods:
                self.methods[f"{name}/{method}"] = (len(self.methods), request)

    @staticmethod
    def fields(body):
        found = re.findall(r"(map<string, string>|[\w.]+)\s+(\w+) = (\d+)", body)
        return {name: (kind, int(number)) for kind, name, number in found}

    def encode(self, name, values):
        out = b""
        for key, value in values.items():
            key = re.sub(r"[A-Z]", lambda match: "_" + match.group().lower(), key)
            if key not in self.messages.get(name, {}):
                continue
            kind, number = self.messages[name][key]
            for item in value if isinstance(value, list) else [value]:
                out += self.field(kind, number, item)
        return out

    def field(self, kind, number, value):
        if kind.startswith("map<"):
            texts = [(name.encode(), text.encode()) for name, text in value.items()]
            pairs = [self.length(1, name) + self.length(2, text) for name, text in texts]
            return b"".join(self.length(number, pair) for pair in pairs)
        if kind == "google.protobuf.Timestamp":
            return self.length(number, b"\x08" + self.varint(1_768_478_400))
        if kind == "google.protobuf.Duration":
            return self.length(number, b"\x08" + self.varint(60))
        if kind == "google.protobuf.FieldMask":
            paths = value.split(",") if isinstance(value, str) else value.get("paths", [])
            return self.length(number, b"".join(self.length(1, path.encode()) for path in paths))
        if kind in ("string", "bytes"):
            return self.length(number, str(value).encode())
        if kind in self.messages:
            return self.length(number, self.encode(kind, value))
        is_name = isinstance(value, str) and not value.lstrip("-").isdigit()
        count = self.enums.get(value, 0) if is_name else int(value)
        return self.varint(number << 3) + self.varint(count)

    def length(self, number, data):
        return self.varint(number << 3 | 2) + self.varint(len(data)) + data

    @staticmethod
    def varint(value):
        value &= (1 << 64) - 1
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes(out + bytes([value]))


main(pathlib.Path(sys.argv[1]))
