#!/usr/bin/env python3
"""Checks that the house stands: layers.py [--self-test]

Every target imports lower rows only (a build knows nothing of rows, and sees no transitive import), Foundation stays
out, and so do SwiftNIO and folders that say nothing. Exit status 1 and a line for each offence otherwise."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Lowest first. Targets of one row do not know each other.
ROWS = [
    ["CLinux", "CYAML", "CPCRE2", "CCares", "CNghttp2", "COpenSSL"],
    ["CSpawner", "PenstockBytes", "PenstockSystem"],
    ["PenstockPatterns"],
    ["PenstockHTTP", "PenstockTLS", "PenstockNetworking", "PenstockConfiguration", "PenstockObservability",
     "PenstockStorage"],
    ["PenstockTransport"],
    ["PenstockRouting", "PenstockHandlers", "PenstockFilters", "PenstockReverseProxy", "PenstockFunctions",
     "PenstockLoadTesting"],
    ["PenstockTriggers"],
    ["PenstockAdmin", "PenstockAWS"],
    ["PenstockGateway"],
    ["Penstock"],
    ["PenstockCommand"],
]
ROW = {name: row for row, names in enumerate(ROWS) for name in names}

# What every target may import beside lower rows: the platform, and what Package.swift names for it.
PLATFORM = {"Swift", "Glibc", "Dispatch", "Synchronization", "Logging", "ArgumentParser", "_Concurrency"}
FOUNDATION = {"PenstockAdmin", "PenstockLoadTesting"}
VAGUE = {"util", "utils", "utilities", "helper", "helpers", "manager", "managers", "misc"}
IMPORT = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?"
                    r"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)", re.M)
BLOCK = re.compile(r'""".*?"""|/\*.*?\*/', re.S)


def target_problems(target, imports):
    """Offences of one target: its declared dependencies, and what its files import (file, module)."""
    name = target["name"]
    if name not in ROW:
        yield f"{name} has no row: give it one in Tests/Layers/layers.py"
        return
    used = [("Package.swift", other) for other in target.get("target_dependencies", [])] + imports
    for place, other in used:
        if other == "Foundation" or other.startswith("Foundation"):
            if name not in FOUNDATION:
                yield f"{place}: {name} imports {other}"
        elif other in ROW:
            if ROW[other] >= ROW[name]:
                side = "sideways" if ROW[other] == ROW[name] else "upward"
                yield f"{place}: {name} imports {other}, which is {side}"
        elif place != "Package.swift" and other not in PLATFORM:
            yield f"{place}: {name} imports {other}, which nobody has allowed"


def name_problems(paths):
    """Files and folders whose names say nothing of what is in them."""
    for path in paths:
        stem = os.path.basename(path).partition(".")[0]
        words = {word.lower() for word in re.findall("[A-Z]?[a-z]+", stem)}
        if words & VAGUE or stem.lower() == "common":
            yield f"{path}: say what is in it"


def graph_problems(packages):
    """Packages that must not be in the graph."""
    for name in packages:
        if "nio" in name.lower().split("-"):
            yield f"{name} is in the dependency graph"


def imports_of(path):
    """(file, module) of every import in a target's folder."""
    found = []
    for folder, _, files in os.walk(os.path.join(ROOT, path)):
        for file in sorted(files):
            if file.endswith(".swift"):
                place = os.path.join(folder, file)
                with open(place) as text:
                    modules = IMPORT.findall(BLOCK.sub("", text.read()))
                found += [(os.path.relpath(place, ROOT), module) for module in modules]
    return found


def package_names(node):
    """The identities of a package and of all that it depends on."""
    yield node.get("identity") or node["name"]
    for dependency in node.get("dependencies", []):
        yield from package_names(dependency)


def swift(*arguments):
    done = subprocess.run(["swift", "package", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout[done.stdout.index(b"{"):])


def problems():
    for target in swift("describe", "--type", "json")["targets"]:
        if target["type"] != "test" and target["name"] != "TestSupport":
            yield from target_problems(target, imports_of(target["path"]))
    yield from graph_problems(set(package_names(swift("show-dependencies", "--format", "json"))))
    for top in ("Sources", "Tests", "Examples", "Benchmarks", "Fuzz"):
        for folder, folders, files in os.walk(os.path.join(ROOT, top)):
            folders[:] = [name for name in folders if name not in (".build", "venv", "build", "__pycache__")]
            paths = [os.path.relpath(os.path.join(folder, name), ROOT) for name in folders + files]
            yield from name_problems(paths)


def self_test():
    """That each check can fail."""
    http, routing = {"name": "PenstockHTTP"}, {"name": "PenstockRouting"}
    refused = [
        target_problems(http, [("a.swift", "PenstockNetworking")]),
        target_problems(http, [("a.swift", "PenstockTransport")]),
        target_problems({"name": "PenstockHTTP", "target_dependencies": ["PenstockGateway"]}, []),
        target_problems(routing, [("a.swift", "PenstockFunctions")]),
        target_problems(http, [("a.swift", "Foundation")]),
        target_problems(http, [("a.swift", "FoundationEssentials")]),
        target_problems(http, [("a.swift", "NIOCore")]),
        target_problems({"name": "PenstockUnheardOf"}, []),
        graph_problems(["swift-nio-http2"]),
        name_problems(["Sources/HTTP/HeaderUtils.swift"]),
        name_problems(["Sources/Common"]),
        name_problems(["Sources/HTTP/Array+Helpers.swift"]),
        name_problems(["Sources/Functions/InstanceManager.swift"]),
    ]
    accepted = [
        target_problems(http, [("a.swift", "PenstockBytes"), ("a.swift", "Glibc")]),
        target_problems(routing, [("a.swift", "PenstockTransport")]),
        graph_problems(["swift-log", "union"]),
        name_problems(["Sources/HTTP/CommonLogFormat.swift", "Sources/HTTP/FieldBlock.swift"]),
    ]
    imports = IMPORT.findall("public import A\n@testable import B\nimport struct C.D\n// import E\n  import F\n")
    assert imports == ["A", "B", "C", "F"], imports
    for number, check in enumerate(refused):
        assert list(check), f"row {number} was let through"
    for number, check in enumerate(accepted):
        assert not list(check), f"row {number} was refused"


self_test()
if "--self-test" not in sys.argv:
    offences = list(problems())
    print("\n".join(offences) or "layers: every import points downward")
    sys.exit(1 if offences else 0)
