#!/usr/bin/env bash
# Exports as people use them: from the running server with buf curl and from the command line beside
# it, loaded with pandas, pyarrow and DuckDB. Their sums must be those of GetOverview and QueryUsage,
# to the nano. Needs an environment of Python with tools/exports-requirements.txt (EXPORTS_VENV).
set -euo pipefail
guide=exports
source "$(dirname "${BASH_SOURCE[0]}")/support/guide.sh"
python=${EXPORTS_VENV:-$root/target/exports-venv}/bin/python
[ -x "$python" ] || { echo "exports: no Python at $python" >&2; exit 1; }

start
call WorkspaceService/CreateWorkspace '{"workspace": {"workspace_id": "acme", "display_name": "Acme", "currency_code": "EUR", "time_zone": "Europe/Berlin"}}' >/dev/null
call BudgetService/SetPlan '{"workspace_id": "acme", "plan": {"budget": {"currency_code": "EUR", "amount": "1000000"}, "start_date": "2026-01-15"}}' >/dev/null
call CatalogService/SetExchangeRate '{"exchange_rate": {"from_currency_code": "USD", "to_currency_code": "EUR", "rate": "0.921234567", "effective_time": "2020-01-01T00:00:00Z"}}' >/dev/null

# Usage of the last twenty days, the same each time; names that a spreadsheet would run.
"$python" - >batches.jsonl <<'PYTHON'
import datetime, json, random

draw = random.Random(4)
now = datetime.datetime.now(datetime.timezone.utc)
models = ["gpt-4.1", "gpt-4.1-mini", "claude-opus-4-1", "nobody-knows-it"]
users = ["ada", "=SUM(A1:A9)", "+grace", "@linus", 'zoë "zo", née', ""]
for batch in range(6):
    records = []
    for index in range(200):
        age = datetime.timedelta(seconds=draw.randrange(20 * 86_400))
        usage = {"input_token_count": draw.randrange(200_000), "output_token_count": draw.randrange(5_000)}
        if draw.random() < 0.5:
            usage["cache_read_token_count"] = draw.randrange(50_000)
        outcome = draw.choice(["OUTCOME_SUCCESS"] * 9 + ["OUTCOME_ERROR"])
        records.append({
            "workspace_id": "acme",
            "request_id": f"r-{batch}-{index}",
            "model_id": draw.choice(models),
            "service_tier": draw.choice(["SERVICE_TIER_STANDARD", "SERVICE_TIER_BATCH"]),
            "usage": usage,
            "outcome": outcome,
            "start_time": (now - age).isoformat().replace("+00:00", "Z"),
            "latency": f"{draw.randrange(20_000) / 1000}s",
            "attribution": {
                "user_id": draw.choice(users),
                "department_id": draw.choice(["research", "sales", ""]),
                "project_id": draw.choice(["apollo", "-gemini"]),
                "workflow_id": draw.choice(["triage", "search"]),
                "tags": {"team": draw.choice(["a,b", "c"])} if draw.random() < 0.5 else {},
            },
        })
    print(json.dumps({"records": records}))
PYTHON
while IFS= read -r batch; do
    call UsageService/RecordUsageBatch "$batch" >recorded.json
    if grep -q '"error"' recorded.json; then
        echo "exports: a record was refused" >&2
        exit 1
    fi
done <batches.jsonl
# Prices the model that had none: corrections come into the log.
call CatalogService/UpsertModel '{"model": {"model_id": "nobody-knows-it", "provider": "own"}}' >/dev/null
call CatalogService/SetModelPrice '{"model_id": "nobody-knows-it", "price": {"currency_code": "EUR", "input_per_million": "0.123456789", "output_per_million": "1", "effective_time": "2026-01-01T00:00:00Z"}}' >/dev/null
since=$(date -u -d '25 days ago' +%Y-%m-%dT00:00:00Z)
call UsageService/RepriceUsage "{\"workspace_id\": \"acme\", \"start_time\": \"$since\"}" >repriced.json

# The same days in every call, also if midnight passes meanwhile.
from=$(TZ=Europe/Berlin date -d '22 days ago' +%F)
to=$(TZ=Europe/Berlin date +%F)
range="\"range\": {\"first_date\": \"$from\", \"last_date\": \"$to\"}"
call AnalyticsService/GetOverview "{\"workspace_id\": \"acme\", $range}" >overview.json
query="$range, \"metrics\": [\"USAGE_METRIC_COST\", \"USAGE_METRIC_TOKENS\", \"USAGE_METRIC_REQUESTS\"], \"group_by\": [{\"dimension\": \"USAGE_DIMENSION_MODEL\"}, {\"dimension\": \"USAGE_DIMENSION_USER\"}], \"top\": 5"
call AnalyticsService/QueryUsage "{\"workspace_id\": \"acme\", $query}" >query.json
export_file() {
    call AnalyticsService/ExportUsage "{\"workspace_id\": \"acme\", \"format\": \"EXPORT_FORMAT_$2\", $3}" >"$1.parts"
}
for format in CSV PARQUET; do
    export_file "records.$format" $format "\"records\": {$range}"
    export_file "focus.$format" $format "\"focus\": {$range}"
    export_file "daily.$format" $format "\"focus\": {$range, \"granularity\": \"TIME_GRANULARITY_DAY\"}"
    export_file "query.$format" $format "\"query\": {$query}"
    export_file "overview.$format" $format "\"report\": {\"kind\": \"REPORT_KIND_OVERVIEW\", $range}"
done

# The same from the command line, beside the server.
days=(--workspace acme --from "$from" --to "$to")
"$tollgate" export records "${days[@]}" --output records.cli.csv
"$tollgate" export records "${days[@]}" --output - | cmp - records.cli.csv
"$tollgate" export focus --daily "${days[@]}" --format parquet --output daily.cli.parquet
"$tollgate" export query "${days[@]}" --metrics cost,tokens,requests --group-by model,user --top 5 >query.cli.csv
"$tollgate" export overview "${days[@]}" >overview.cli.csv
refused() {
    local expected="$1"
    shift
    if "$tollgate" export "$@" >refused.txt 2>&1; then
        echo "exports: was not refused: $*" >&2
        exit 1
    fi
    grep -q -- "$expected" refused.txt || { echo "exports: no $expected in:" >&2; cat refused.txt >&2; exit 1; }
}
refused '--output' records "${days[@]}" --output records.cli.csv
"$tollgate" export records "${days[@]}" --output records.cli.csv --force
refused '--workspace' records --workspace nobody --output nobody.csv
refused '--filter' never-active "${days[@]}" --filter user=ada
refused '--granularity' query --workspace acme --range last-90-days --metrics cost --granularity hour
[ ! -e nobody.csv ] && [ -z "$(find . -name '.*.part')" ] || { echo "exports: something is left of a file that failed" >&2; exit 1; }

"$python" - <<'PYTHON'
import base64, io, json, re
from decimal import Decimal

import duckdb, pandas, pyarrow.parquet


def messages(path):
    text, decoder, found = open(path).read().strip(), json.JSONDecoder(), []
    while text:
        message, end = decoder.raw_decode(text)
        found.append(message)
        text = text[end:].lstrip()
    return found


# The files, as the parts say.
media = {"CSV": "text/csv; charset=utf-8; header=present", "PARQUET": "application/vnd.apache.parquet"}
for name in ["records", "focus", "daily", "query", "overview"]:
    for kind, media_type in media.items():
        parts = messages(f"{name}.{kind}.parts")
        assert parts[0]["mediaType"] == media_type, parts[0]
        assert parts[0]["fileName"].startswith("acme-") and parts[0]["fileName"].endswith("." + kind.lower())
        assert not any("fileName" in part for part in parts[1:])
        data = [base64.b64decode(part["data"]) for part in parts]
        assert all(0 < len(part) <= 262_144 for part in data)
        open(f"{name}.{kind.lower()}", "wb").write(b"".join(data))
for name, kind in [("records", "csv"), ("daily", "parquet"), ("query", "csv"), ("overview", "csv")]:
    assert open(f"{name}.cli.{kind}", "rb").read() == open(f"{name}.{kind}", "rb").read(), name

# RFC 4180: CRLF, quotes doubled, as many cells in each row; nothing that a spreadsheet runs.
cell = re.compile(rb'(?:"(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)')
for name in ["records", "focus", "daily", "query", "overview"]:
    data, at, count, widths = open(f"{name}.csv", "rb").read(), 0, 0, set()
    data.decode("utf-8")
    while at < len(data):
        found = cell.match(data, at)
        assert found, (name, data[at:at + 40])
        text = found.group(0)[:-len(found.group(1))].strip(b'"')
        assert text[:1] not in b"=+@\t" or not text, (name, text)
        assert text[:1] != b"-" or re.fullmatch(rb"-[0-9.]+", text), (name, text)
        at, count = found.end(), count + 1
        if found.group(1) == b"\r\n":
            widths, count = widths | {count}, 0
    assert len(widths) == 1 and count == 0, (name, widths)

overview = json.load(open("overview.json"))["overview"]
spend = Decimal(overview["spend"]["value"]["amount"])
tokens, requests = int(overview["tokens"]["value"]), int(overview["requests"]["value"])
assert requests == 1_200 and spend > 0, overview
query = json.load(open("query.json"))

# Parquet with pandas: decimals are exact.
frames = {name: pandas.read_parquet(f"{name}.parquet") for name in ["records", "focus", "daily", "query"]}
# Tokens of citations are units beside the classes.
units = {"citation_token_count"}
classes = [name for name in frames["records"] if name.endswith("_token_count") and name not in units]
assert len(classes) == 10
log = frames["records"]
assert log["cost"].sum() == spend, (log["cost"].sum(), spend)
assert int(log[classes].to_numpy().sum()) == tokens == int(log["token_count"].sum())
assert int((log["kind"] == "usage").sum()) == requests
assert int((log["kind"] == "correction").sum()) > 0
assert str(log["charge_time"].dtype).endswith("UTC]")
assert set(log["user_id"].dropna()) == {"ada", "=SUM(A1:A9)", "+grace", "@linus", 'zoë "zo", née'}
for name in ["focus", "daily"]:
    frame = frames[name]
    for cost in ["BilledCost", "EffectiveCost", "ContractedCost", "ListCost"]:
        assert frame[cost].sum() == spend, (name, cost)
    assert int(frame["ConsumedQuantity"].dropna().sum()) == tokens, name
assert len(frames["daily"]) < len(frames["focus"])
for name in frames:
    schema = pyarrow.parquet.read_schema(f"{name}.parquet")
    for field in schema:
        assert str(field.type) in {"string", "int64", "double", "bool", "date32[day]", "timestamp[us, tz=UTC]",
                                   "decimal128(18, 9)", "decimal128(18, 6)", "decimal128(18, 0)"}, field

# CSV with pandas: as text, so that nothing is rounded; and as it guesses.
exact = pandas.read_csv("records.csv", dtype=str, keep_default_na=False)
assert exact["cost"].map(Decimal).sum() == spend
assert "'=SUM(A1:A9)" in set(exact["user_id"]) and "'-gemini" in set(exact["project_id"])
guessed = pandas.read_csv("records.csv", parse_dates=["charge_time"])
assert guessed["cost"].dtype == "float64" and guessed["input_token_count"].dtype == "int64"
assert str(guessed["charge_time"].dtype).endswith("UTC]") and guessed["unpriced"].dtype == "bool"

# DuckDB: sums over both files, and a chargeback by department.
duck = duckdb.connect()
for source in ["'records.parquet'", "read_csv('records.csv', types = {'cost': 'DECIMAL(18, 9)'})"]:
    cost, used = duck.sql(f"SELECT sum(cost), sum(token_count) FROM {source}").fetchall()[0]
    assert (cost, used) == (spend, tokens), source
for name in ["focus", "daily"]:
    rows = duck.sql(f"SELECT SubAccountId, sum(BilledCost) FROM '{name}.parquet' GROUP BY 1").fetchall()
    assert {row[0] for row in rows} == {"research", "sales", None}
    assert sum(row[1] for row in rows) == spend
    billed = duck.sql(f"SELECT sum(BilledCost) FROM read_csv('{name}.csv', types = {{'BilledCost': 'DECIMAL(18, 9)'}})")
    assert billed.fetchall()[0][0] == spend

# A query is exported as it is answered: groups, and all others.
rows = frames["query"]
assert len(rows) == len(query["groups"]) == 6 and rows["others"].tolist() == [False] * 5 + [True]
for row, group in zip(rows.to_dict("records"), query["groups"]):
    assert row["cost"] == Decimal(group["values"]["cost"]["amount"]), group
    assert row["token_count"] == int(group["values"]["tokenCount"]), group
    if not row["others"]:
        assert [row["model"], "" if pandas.isna(row["user"]) else row["user"]] == [key.get("value", "") for key in group["keys"]], group
assert rows["cost"].sum() == spend and int(rows["request_count"].sum()) == requests
figures = pandas.read_csv("overview.csv", dtype=str).set_index("figure")
assert Decimal(figures.loc["spend", "amount"]) == spend and int(figures.loc["tokens", "count"]) == tokens
print(f"exports: {len(log)} entries load with pandas and DuckDB, and cost {spend} EUR in each of them")
PYTHON

kill -TERM "$server"
wait "$server"
server=
