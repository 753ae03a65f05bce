"""
Who may import whom.

    errors ◄─ protocol ◄─ config ◄─ store ◄─ reader ◄─ cli
       ▲         ▲           ▲        ▲
       └─────────┴── writer ─┘        │        writer: lab_workbook_writer without the uploader
       └─────────┴───────────┴─ uploader       uploader: never the workbook
    system ◄─ writer, uploader                 system calls of both on open files, their clock, flushes
    errors, protocol, writer ◄─ integrations   one module a framework; nothing imports them but their users
    errors … config, writer ◄─ importers ◄─ cli    what other programs have recorded
    writer ◄─ cli                              the Lua writer asks what the source is
    errors ◄─ t7 ◄─ reader, writer             t7: Torch's file format, which both must know
    kit ◄─ cli                                 the kit imports nothing of ours

An arrow that this picture does not have is a design that DESIGN did not mean.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "lab_workbook": ROOT / "reader",
    "lab_workbook_writer": ROOT / "python_writer",
    "lab_workbook_conformance": ROOT / "conformance",
}

# The picture above as data: a layer and the layers it may import besides itself.
ALLOWED = {
    "errors": set(),
    "protocol": {"errors"},
    "config": {"errors", "protocol"},
    "store": {"errors", "protocol", "config"},
    "t7": {"errors"},
    "reader": {"errors", "protocol", "config", "store", "t7"},
    # The door opens on every room: `new_experiment` imports the writer, when it is called.
    "door": {"errors", "reader", "writer"},
    "cli": {
        "errors",
        "protocol",
        "config",
        "store",
        "reader",
        "door",
        "uploader",
        "importers",
        "writer",
        "kit",
    },
    "system": set(),
    "writer": {"errors", "protocol", "config", "t7", "system"},
    "uploader": {"errors", "protocol", "config", "store", "system"},
    "importers": {"errors", "protocol", "config", "writer"},
    "integrations": {"errors", "protocol", "writer"},
    "kit": set(),
}

# What each layer may import from outside the standard library.
FOREIGN = {
    # mypy_boto3_s3 has types only, and is never imported at run time.
    "store": {"boto3", "botocore", "mypy_boto3_s3", "tqdm"},
    # matplotlib, IPython and dask only where they are there: for a live plot, and for a cluster.
    "reader": {"IPython", "dask", "jinja2", "matplotlib", "numpy", "pandas"},
    # Who writes arrays has it already.
    "t7": {"numpy"},
    "cli": {"click"},
    # pytest is the caller's own, who runs the cases by it.
    "kit": {"hypothesis", "jsonschema", "lupa", "pytest"},
    # The caller's own, and only where they have them.
    "writer": {"numpy", "torch"},
    # For the configuration of other programs, where it is YAML.
    "importers": {"yaml"},
    # Each the one that its module is named for; what pictures and histograms are made of comes late.
    "integrations": {
        "accelerate",
        "hydra",
        "ignite",
        "keras",
        "lightning",
        "matplotlib",
        "numpy",
        "omegaconf",
        "pytorch_lightning",
        "transformers",
    },
}


def layer(module: str) -> str:
    package, _, rest = module.partition(".")
    first = rest.partition(".")[0]
    if package == "lab_workbook_conformance":
        return "kit"
    if package == "lab_workbook_writer":
        if first in ("awake", "descriptors", "flushed"):
            return "system"
        return first if first in ("uploader", "importers", "integrations") else "writer"
    if not first:
        return "door"
    return first if first in ALLOWED else "reader"


def modules() -> Iterator[tuple[str, Path]]:
    for package, root in PACKAGES.items():
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


KNOWN = dict(modules())


def imports(module: str) -> Iterator[str]:
    """Return every module that one imports, at its top or inside of a function."""
    for node in ast.walk(ast.parse(KNOWN[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively; we write whole names"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in KNOWN else str(node.module)


@pytest.mark.parametrize("module", sorted(KNOWN))
def test_a_module_imports_only_what_the_picture_allows(module):
    here = layer(module)

    ours = {name for name in imports(module) if name.partition(".")[0] in PACKAGES}
    wrong = {name for name in ours if layer(name) not in ALLOWED[here] | {here}}

    assert not wrong, f"{module} ({here}) must not import {sorted(wrong)}"


@pytest.mark.parametrize("module", sorted(KNOWN))
def test_a_module_depends_on_no_library_that_its_layer_does_without(module):
    here = layer(module)

    tops = {name.partition(".")[0] for name in imports(module)}
    foreign = tops - set(PACKAGES) - sys.stdlib_module_names - FOREIGN.get(here, set())

    assert not foreign, f"{module} ({here}) must not import {sorted(foreign)}"
