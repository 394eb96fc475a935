#!/usr/bin/env python3
"""Fails if files of a crate import each other, directly or in a circle.

Usage: import_circles.py CRATE_DIR ...

Reads `use` items and paths that begin with crate, self or super, outside of test modules. A name
that a module re-exports counts as imported from the file that defines it, so re-exports make no
circle.
"""

import re
import sys
from pathlib import Path

PATH = re.compile(r"\b(?:crate|self|super)(?:::\w+)+")
USE = re.compile(r"^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", re.MULTILINE)


def strip(text):
    """The code without comments, strings and test modules."""
    text = re.sub(r'\br(#+)".*?"\1', '""', text, flags=re.DOTALL)
    text = re.sub(r"'\\?\"'", "' '", text)
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
    for found in reversed(list(re.finditer(r"#\[cfg\((?:all\()?test[^\]]*\]\s*", text))):
        start, rest = found.start(), text[found.end() :]
        item = re.match(r"(?:pub(?:\([^)]*\))?\s+)?(?:mod|impl|fn|struct)\b[^{;]*", rest)
        if not item:
            continue
        end = found.end() + item.end()
        if end < len(text) and text[end] == "{":
            depth = 0
            while True:
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
                if depth == 0:
                    break
        text = text[:start] + text[end:]
    return text


def expand(tree, prefix=()):
    """The paths of a use tree: names, the last may be *; what is renamed keeps its name."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace < 0:
        yield prefix + tuple(part.strip() for part in tree.split(" as ")[0].split("::") if part)
        return
    head = prefix + tuple(part for part in tree[:brace].split("::") if part.strip())
    depth, start, inner = 0, 0, tree[brace + 1 : tree.rfind("}")]
    for index, char in enumerate(inner + ","):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            if inner[start:index].strip():
                yield from expand(inner[start:index], head)
            start = index + 1


class Crate:
    def __init__(self, folder):
        source = Path(folder) / "src"
        self.files, self.texts, self.exports = {}, {}, {}
        for path in sorted(source.rglob("*.rs")):
            parts = list(path.relative_to(source).with_suffix("").parts)
            if parts[-1] in ("mod", "lib"):
                parts.pop()
            if parts == ["main"]:
                continue
            module = tuple(parts)
            self.files[module] = path
            self.texts[module] = strip(path.read_text())
        for module, text in self.texts.items():
            for visibility, tree in USE.findall(text):
                for path in expand(tree) if visibility else ():
                    if path := self.absolute(path, module):
                        self.exports[module + path[-1:]] = path

    def absolute(self, path, module):
        """A path from the root of the crate; none if it is of another crate."""
        if path[0] == "crate":
            return path[1:]
        if path[0] in ("self", "super"):
            base, rest = list(module), list(path)
            while rest and rest[0] in ("self", "super"):
                if rest.pop(0) == "super":
                    base.pop()
            return tuple(base + rest)
        return module + path if module + path[:1] in self.files else None

    def file(self, path):
        """The module of the file that a path leads to."""
        for _ in range(10):
            if path in self.exports and self.exports[path] != path:
                path = self.exports[path]
            elif path in self.files:
                return path
            else:
                known = [path[:n] for n in range(len(path), -1, -1) if path[:n] in self.exports]
                if not known:
                    break
                path = self.exports[known[0]] + path[len(known[0]) :]
        return next(path[:n] for n in range(len(path), -1, -1) if path[:n] in self.files)

    def imports(self, module):
        text = self.texts[module]
        trees = [tree for visibility, tree in USE.findall(text) if not visibility]
        paths = [path for tree in trees for path in expand(tree)]
        without_use = USE.sub("", text)
        paths += [tuple(found.split("::")) for found in PATH.findall(without_use)]
        found = set()
        for path in paths:
            if absolute := self.absolute(path, module):
                found.add(self.file(absolute))
        return found - {module}

    def circles(self):
        """The strongly connected components of more than one file (Tarjan)."""
        graph = {module: self.imports(module) for module in self.files}
        index, low, stack, circles = {}, {}, [], []

        def visit(node):
            index[node] = low[node] = len(index)
            stack.append(node)
            for other in graph[node]:
                if other not in index:
                    visit(other)
                    low[node] = min(low[node], low[other])
                elif other in stack:
                    low[node] = min(low[node], index[other])
            if low[node] == index[node]:
                circle = []
                while True:
                    circle.append(stack.pop())
                    if circle[-1] == node:
                        break
                if len(circle) > 1:
                    edges = {(a, b) for a in circle for b in graph[a] if b in circle}
                    circles.append((circle, edges))

        for module in graph:
            if module not in index:
                visit(module)
        return circles


def main():
    sys.setrecursionlimit(10_000)
    failed = False
    for folder in sys.argv[1:]:
        crate = Crate(folder)
        for circle, edges in crate.circles():
            failed = True
            print(f"{folder}: {len(circle)} files import each other:")
            for a, b in sorted(edges):
                print(f"  {crate.files[a].name} ({'::'.join(a)}) -> {'::'.join(b) or 'lib'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
