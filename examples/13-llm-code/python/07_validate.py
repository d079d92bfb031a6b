import json
from typing import Any


class ValidationError(Exception):
    def __init__(self, path: str, message: str):
        super().__init__(f"{path or '$'}: {message}")
        self.path = path
        self.message = message


TYPES = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "array": list, "object": dict, "null": type(None),
}


def validate(value: Any, schema: dict, path: str = "") -> list[ValidationError]:
    """Validate a value against a small subset of JSON Schema and return all errors."""
    errors: list[ValidationError] = []
    expected = schema.get("type")
    if expected:
        ok = isinstance(value, TYPES[expected])
        if expected in ("integer", "number") and isinstance(value, bool):
            ok = False
        if not ok:
            return [ValidationError(path, f"expected {expected}, got {type(value).__name__}")]
    if "enum" in schema and value not in schema["enum"]:
        errors.append(ValidationError(path, f"{value!r} is not one of {schema['enum']}"))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            errors.append(ValidationError(path, f"{value} is less than {schema['minimum']}"))
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        errors.append(ValidationError(path, "string is too short"))
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            errors += validate(item, schema["items"], f"{path}[{i}]")
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                errors.append(ValidationError(path, f"missing required property '{name}'"))
        for name, sub in schema.get("properties", {}).items():
            if name in value:
                errors += validate(value[name], sub, f"{path}.{name}" if path else name)
        if schema.get("additionalProperties") is False:
            for name in value.keys() - schema.get("properties", {}).keys():
                errors.append(ValidationError(path, f"unexpected property '{name}'"))
    return errors


def main(input):
    schema, documents = input["schema"], input["documents"]
    report = []
    for raw in documents:
        try:
            document = json.loads(raw)
        except json.JSONDecodeError as e:
            report.append({"ok": False, "errors": [f"line {e.lineno} column {e.colno}: {e.msg}"]})
            continue
        errors = validate(document, schema)
        report.append({"ok": not errors, "errors": [str(e) for e in errors]})

    print(json.dumps(report[0]), f"{sum(r['ok'] for r in report)}/{len(report)} valid")
    return report
