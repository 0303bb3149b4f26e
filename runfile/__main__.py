"""`python -m runfile`: print the JSON Schema of run.json."""

import json
import sys

from runfile.decoding import adapter
from runfile.facts import SCHEMA, Run


def schema() -> dict[str, object]:
    """Return the JSON Schema of run.json."""
    found = adapter(Run).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **found}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
