"""The JSON Schema of a scenario document, for editors."""

from typing import Any

from ._form import DocumentForm


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the YAML document, with descriptions and examples."""
    body = DocumentForm.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **body,
        "title": "fdmc scenario",
    }
