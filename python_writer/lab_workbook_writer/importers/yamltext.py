"""
YAML of a stranger: plain values, without aliases, which a few bytes of could fill the memory.

PyYAML reads it; it comes with the extra ``import``, because no other part of us needs it.
"""

from __future__ import annotations

from typing import Any, Final

from lab_workbook.errors import LabWorkbookError, Unreadable

_TAGS: Final = tuple(
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map")
)


def read(data: bytes, path: str) -> dict[str, Any]:
    """
    Return the table that a file holds, each date and the like as the text that it was.

    Raises:
        Unreadable: it is no YAML, or no table.
        LabWorkbookError: PyYAML is not installed.
    """
    try:
        import yaml
    except ModuleNotFoundError:
        raise LabWorkbookError(f"{path} is YAML: `pip install 'lab-workbook[import]'` reads it") from None

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML ships no types
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("it has aliases")
            return super().compose_node(parent, index)

    # Dates would become objects that JSON has no rule for.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    # What else YAML can say, such as bytes and sets, is no configuration.
    Loader.yaml_constructors = {
        tag: made for tag, made in yaml.SafeLoader.yaml_constructors.items() if tag in _TAGS or tag is None
    }
    try:
        value = yaml.load(data, Loader)  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(
            f"{path} is no YAML that can be read: {' '.join(str(error).split())[:200]}"
        ) from None
    if not isinstance(value, dict):
        raise Unreadable(f"{path} holds no table")
    return {str(key): each for key, each in value.items()}
