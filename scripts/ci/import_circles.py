#!/usr/bin/env python3
"""Fails when source files of a crate import each other, directly or through others.

The files of a crate have an order: one that is read first needs none of those after it. An import
is a path that starts with `crate`, `self`, `super` or a child module, in a `use` or in code. It
counts for the file whose module the path names, so that a name which lib.rs re-exports counts for
lib.rs: files take it from where it is defined. Declaring a module is not an import, and unit tests
are not looked at.

Run:  scripts/ci/import_circles.py CRATE_FOLDER ...
"""

import pathlib
import re
import sys

NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|r(?P<hashes>#*)".*?"(?P=hashes)|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'',
    re.DOTALL,
)
VISIBILITY = re.compile(r"\bpub\((?:crate|super|self|in [\w:]+)\)")
TESTS = re.compile(r"#\[cfg\(test\)\]\s*mod \w+ \{")
CHILD = re.compile(r"\bmod (\w+);")
PATH = re.compile(r"(?<![\w:])(\w+(?:::\w+)*)(?:::(\{))?")


def module_of(file, source):
    """The module path of a file below src, as a tuple; empty for lib.rs."""
    parts = file.relative_to(source).with_suffix("").parts
    return parts[:-1] if parts[-1] in {"lib", "mod"} else parts


def read_code(file):
    """The text of a file without comments, literals, visibilities and unit tests."""
    code = NOT_CODE.sub(" ", file.read_text(encoding="utf-8"))
    code = VISIBILITY.sub(" ", code)
    tests = TESTS.search(code)
    return code[: tests.start()] if tests else code


def closing_brace(code, start):
    """The index behind the brace that closes the one before `start`."""
    depth = 1
    for index in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[index], 0)
        if depth == 0:
            return index + 1
    return len(code)


def paths_in(code, prefix=()):
    """All paths in `code`, with `a::{b, c}` written out."""
    position = 0
    while found := PATH.search(code, position):
        path = prefix + tuple(found[1].split("::"))
        position = found.end()
        if found[2]:
            end = closing_brace(code, position)
            yield from paths_in(code[position : end - 1], path)
            position = end
        else:
            yield path


def imports(module, code, modules):
    """The modules that a file's paths name."""
    children = set(CHILD.findall(code))
    for path in paths_in(code):
        head, rest = path[0], path[1:]
        if head == "crate":
            target = rest
        elif head == "self" and rest:
            target = module + rest
        elif head == "super":
            levels = next((i for i, part in enumerate(path) if part != "super"), len(path))
            target = module[:-levels] + path[levels:]
        elif head in children and rest:
            target = module + path
        else:
            continue
        while target not in modules:
            target = target[:-1]
        if target != module:
            yield target


def circles(edges):
    """The groups of modules that reach each other."""
    reached = {}
    for start in edges:
        seen, stack = set(), [start]
        while stack:
            for target in edges[stack.pop()] - seen:
                seen.add(target)
                stack.append(target)
        reached[start] = seen
    groups = {frozenset(b for b in reached[a] if a in reached[b]) for a in edges}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    failed = False
    for crate in map(pathlib.Path, sys.argv[1:]):
        source = crate / "src"
        files = {module_of(file, source): file for file in source.rglob("*.rs")}
        files.pop(("main",), None)
        if () not in files:
            sys.exit(f"{crate} holds no src/lib.rs")
        edges = {
            module: set(imports(module, read_code(file), files)) for module, file in files.items()
        }
        for circle in circles(edges):
            failed = True
            print(f"{crate}: these import each other:")
            for module in circle:
                within = sorted(edges[module] & set(circle))
                names = ", ".join(str(files[target].relative_to(crate)) for target in within)
                print(f"    {files[module].relative_to(crate)} imports {names}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
