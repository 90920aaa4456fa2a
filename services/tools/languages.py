"""What is known of each programming language: its files, how to parse it, which nodes define what. Pure but for loading
grammars, which come as packages of their own (the extra `code`)."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from services.extras import why_not

if TYPE_CHECKING:
    from tree_sitter import Parser


@dataclass(frozen=True, slots=True)
class SourceLanguage:
    """`package` and `entry` say where the grammar is; `nodes` what each kind of node defines; `pattern` finds
    definitions where there is no grammar: its group `name` is the name, `kind` the word before it."""

    name: str
    suffixes: tuple[str, ...]
    package: str = ""
    entry: str = "language"
    nodes: Mapping[str, str] = field(default_factory=dict, hash=False)
    pattern: re.Pattern[str] | None = None


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"^\s*(?:[\w()]+\s+)*?(?P<kind>{words})\s+(?:\([^)]*\)\s*)?(?P<name>[^\W\d]\w*)")


_SCRIPT = {
    "class_declaration": "class",
    "abstract_class_declaration": "class",
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "function_signature": "function",
    "method_definition": "method",
    "method_signature": "method",
    "abstract_method_signature": "method",
    "interface_declaration": "interface",
    "type_alias_declaration": "type",
    "enum_declaration": "enum",
    "internal_module": "namespace",
    "variable_declarator": "variable",
}
_SCRIPT_PATTERN = _pattern(r"class|function\*?|interface|type|enum|namespace|const|let|var")
_C = {
    "function_definition": "function",
    "struct_specifier": "struct",
    "union_specifier": "union",
    "enum_specifier": "enum",
    "type_definition": "type",
    "preproc_def": "macro",
    "preproc_function_def": "macro",
}
_CPP = {**_C, "class_specifier": "class", "namespace_definition": "namespace", "alias_declaration": "type"}
_C_PATTERN = _pattern("class|struct|union|enum|namespace|define|void|int|char|bool|float|double|auto|long|unsigned")

LANGUAGES = (
    SourceLanguage(
        "Python",
        (".py", ".pyi"),
        "tree_sitter_python",
        nodes={"class_definition": "class", "function_definition": "function", "assignment": "variable"},
        pattern=_pattern("class|def"),
    ),
    SourceLanguage(
        "JavaScript",
        (".js", ".mjs", ".cjs", ".jsx"),
        "tree_sitter_javascript",
        nodes=_SCRIPT,
        pattern=_SCRIPT_PATTERN,
    ),
    SourceLanguage(
        "TypeScript",
        (".ts", ".mts", ".cts"),
        "tree_sitter_typescript",
        "language_typescript",
        _SCRIPT,
        _SCRIPT_PATTERN,
    ),
    SourceLanguage("TSX", (".tsx",), "tree_sitter_typescript", "language_tsx", _SCRIPT, _SCRIPT_PATTERN),
    SourceLanguage(
        "Go",
        (".go",),
        "tree_sitter_go",
        nodes={
            "function_declaration": "function",
            "method_declaration": "method",
            "type_spec": "type",
            "const_spec": "constant",
            "var_spec": "variable",
        },
        pattern=_pattern("func|type|const|var"),
    ),
    SourceLanguage(
        "Rust",
        (".rs",),
        "tree_sitter_rust",
        nodes={
            "struct_item": "struct",
            "enum_item": "enum",
            "union_item": "union",
            "trait_item": "trait",
            "impl_item": "impl",
            "mod_item": "module",
            "function_item": "function",
            "function_signature_item": "function",
            "type_item": "type",
            "const_item": "constant",
            "static_item": "variable",
            "macro_definition": "macro",
        },
        pattern=_pattern(r"struct|enum|union|trait|mod|fn|type|const|static|macro_rules!"),
    ),
    SourceLanguage(
        "Java",
        (".java",),
        "tree_sitter_java",
        nodes={
            "class_declaration": "class",
            "interface_declaration": "interface",
            "enum_declaration": "enum",
            "record_declaration": "record",
            "annotation_type_declaration": "annotation",
            "method_declaration": "method",
            "constructor_declaration": "constructor",
        },
        pattern=_pattern("class|interface|enum|record|void|int|boolean|String|public|protected|private"),
    ),
    SourceLanguage("C", (".c", ".h"), "tree_sitter_c", nodes=_C, pattern=_C_PATTERN),
    SourceLanguage(
        "C++", (".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx"), "tree_sitter_cpp", nodes=_CPP, pattern=_C_PATTERN
    ),
)
_OTHERS = {
    ".css": "CSS", ".html": "HTML", ".json": "JSON", ".kt": "Kotlin", ".lua": "Lua", ".md": "Markdown", ".php": "PHP",
    ".rb": "Ruby", ".scss": "CSS", ".sh": "Shell", ".sql": "SQL", ".svelte": "Svelte", ".swift": "Swift",
    ".toml": "TOML", ".vue": "Vue", ".yaml": "YAML", ".yml": "YAML", ".cs": "C#", ".ex": "Elixir", ".scala": "Scala",
    ".dart": "Dart", ".zig": "Zig", ".proto": "Protobuf", ".rst": "reStructuredText", ".tf": "Terraform",
}  # fmt: skip
_BY_SUFFIX = {suffix: language for language in LANGUAGES for suffix in language.suffixes}


def language_of(path: str) -> SourceLanguage | None:
    """The language whose definitions can be found in this file."""
    return _BY_SUFFIX.get(suffix_of(path))


def language_name(path: str) -> str | None:
    """A name for people, of more languages than can be parsed."""
    language = language_of(path)
    return language.name if language else _OTHERS.get(suffix_of(path))


def suffix_of(path: str) -> str:
    name = path.rpartition("/")[2].lower()
    return name[name.rfind(".") :] if "." in name[1:] else ""


@cache
def parser_of(language: SourceLanguage) -> Parser | str:
    """A parser, or why there is none. Not to be used by two threads at once."""
    package = "tree_sitter"
    try:
        import tree_sitter

        package = language.package
        grammar = importlib.import_module(package)
        return tree_sitter.Parser(tree_sitter.Language(getattr(grammar, language.entry)()))
    except Exception as error:
        return why_not(error, package, "parley-hub[code]")
