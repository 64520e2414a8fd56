#!/usr/bin/env python3
"""Takes scenario.json through the client of each language, against the real server.

Starts and kills the server, one with TLS and authentication and one without, speaks to each language's program as README.md says, and reads what was
charged from the server by itself. Prints a matrix at the end; exits 1 if anything differs. It knows
nothing of the clients: what it asks the server goes through the descriptors of the protos.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON = ROOT / "target/tools/clients/venv/bin/python"
LANGUAGES = ["python", "go", "typescript", "java", "rust"]
# Lists of cases, which are rows of the matrix too.
LISTS = ("addresses", "reduce", "estimate", "answers", "webhooks")
OVERHEAD_MAX = 1.3
BENCH_CALLS = 300


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("languages", nargs="*", default=LANGUAGES)
    parser.add_argument("--row", action="append", help="only this row, by its name in the matrix; may be repeated")
    parser.add_argument("--no-bench", action="store_true", help="leave the overhead out")
    arguments = parser.parse_args()
    in_the_tools_environment()

    from support.server import Authority, descriptors

    binary = os.environ.get("TOLLGATE_TEST_BINARY") or str(ROOT / "target/debug/tollgate")
    if not os.access(binary, os.X_OK):
        sys.exit(f"conformance: no server at {binary}: build it, or name it in TOLLGATE_TEST_BINARY")
    scenario = json.loads((HERE / "scenario.json").read_text())
    names = list(rows_of(scenario)) + list(LISTS)
    unknown = set(arguments.row or []) - set(names)
    if unknown:
        sys.exit(f"conformance: no such row: {', '.join(sorted(unknown))}")
    wanted = [name for name in names if not arguments.row or name in arguments.row]
    with tempfile.TemporaryDirectory(prefix="tollgate-conformance-") as folder:
        pool = descriptors(ROOT, pathlib.Path(folder))
        authority = Authority(pathlib.Path(folder))
        results, overheads = {}, {}
        for language in arguments.languages:
            place = pathlib.Path(folder) / language
            place.mkdir()
            bench = not arguments.no_bench and not arguments.row
            servers = servers_of(binary, place, pool, authority)
            results[language], overheads[language] = run_language(
                language, scenario, wanted, bench, servers, place
            )
    print_matrix(wanted, results, overheads)
    return 0 if all(all(rows.values()) for rows in results.values()) else 1


def in_the_tools_environment() -> None:
    """Goes on in the environment that has gRPC; installs it first where it is missing."""
    if pathlib.Path(sys.prefix).resolve() == PYTHON.parent.parent.resolve():
        return
    if not PYTHON.exists():
        subprocess.run([ROOT / "tools/clients/generate", "--install"], check=True)
    os.execv(PYTHON, [str(PYTHON), str(HERE / "run.py"), *sys.argv[1:]])


def rows_of(scenario) -> dict:
    """All rows by their names in the matrix, each with the kind of server that it is about."""
    rows = {}
    for row in scenario["rows"]:
        for kind in row.get("servers", ["tls"]):
            rows[row["name"] + (" (plaintext)" if kind == "plaintext" else "")] = row, kind
    return rows


def servers_of(binary, place, pool, authority) -> dict:
    from support.server import Server

    servers = {}
    for kind in ("tls", "plaintext", "other_name"):
        (place / kind).mkdir()
        servers[kind] = Server(binary, place / kind, pool, authority, kind)
    return servers


def run_language(language, scenario, wanted, bench, servers, place):
    """One language through all rows: which were as expected, and its overhead."""
    from support.program import Program
    from support import row as rows
    from support.row import Row
    from support.webhook import webhooks

    print(f"\n== {language}", flush=True)
    results, overhead = dict.fromkeys(wanted, False), None
    program = Program(language, ROOT / "clients" / language)
    try:
        needed = {kind for name, (_, kind) in rows_of(scenario).items() if name in wanted}
        for kind in needed | {"tls", "plaintext"}:
            servers[kind].start()
            servers[kind].prepare(scenario["models"])
        for name, (row, kind) in rows_of(scenario).items():
            if name in wanted:
                begun = time.monotonic()
                problem = Row(scenario, row, servers[kind], program, place / kind).run()
                results[name] = problem is None
                report(name, problem, program, time.monotonic() - begun)
        for name in filter(wanted.__contains__, LISTS):
            if name == "answers":
                row = Row(scenario, {"name": name}, servers["tls"], program, place)
                problem = rows.answers(HERE / "usage", row)
            elif name == "webhooks":
                problem = webhooks(servers["plaintext"], program)
            elif name == "addresses":
                problem = rows.addresses(HERE / "address.json", program)
            elif name == "reduce":
                problem = rows.reduce(HERE / "provider_answer.json", program)
            else:
                problem = rows.estimate(HERE / "estimate.json", program)
            results[name] = problem is None
            report(name, problem, program)
        if bench:
            row = Row(scenario, {"name": "bench"}, servers["plaintext"], program, place)
            overhead = row.bench(BENCH_CALLS)
    except OSError as error:
        print(f"  {language}: {error}")
    finally:
        program.kill()
        for server in servers.values():
            server.kill()
    return results, overhead


def report(name, problem, program, seconds=None) -> None:
    took = "" if seconds is None else f"  {seconds:.1f} s"
    print(f"  {'ok  ' if problem is None else 'FAIL'} {name}{took}", flush=True)
    if problem is not None:
        print("       " + problem.replace("\n", "\n       "))
        for line in program.log_tail():
            print(f"       | {line}")
        sys.stdout.flush()


def print_matrix(wanted, results, overheads) -> None:
    width = max(len(name) for name in wanted) + 2
    print("\n" + " " * width + "".join(f"{language:>12}" for language in results))
    for name in wanted:
        cells = ("ok" if rows[name] else "FAIL" for rows in results.values())
        print(f"{name:<{width}}" + "".join(f"{cell:>12}" for cell in cells))
    if not any(overheads.values()):
        return
    print(f"\nOne call of the guard against the bare two calls; at most {OVERHEAD_MAX} is aimed at.")
    print(f"{'':<12}{'bare':>10}{'guard':>10}{'ratio':>8}{'without wait':>16}{'ratio':>8}")
    for language, measured in overheads.items():
        if measured is None:
            continue
        bare, guard, queued = (measured[name] for name in ("bare_us", "guard_us", "queued_us"))
        over = "  above the aim" if guard > OVERHEAD_MAX * bare else ""
        print(
            f"{language:<12}{bare:>7.0f} us{guard:>7.0f} us{guard / bare:>8.2f}"
            f"{queued:>13.0f} us{queued / bare:>8.2f}{over}"
        )


if __name__ == "__main__":
    sys.exit(main())
