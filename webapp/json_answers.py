"""How Flask writes JSON here: by orjson, which takes a third of the time of Python's own."""

import json

import orjson
from flask.json.provider import DefaultJSONProvider


class JsonAnswers(DefaultJSONProvider):
    """What a view returns, as JSON in the order in which it stands there."""

    def dumps(self, obj: object, **_: object) -> str:
        """Write a document."""
        try:
            return orjson.dumps(obj).decode()
        except TypeError:  # half of a surrogate pair, which UTF-8 has no place for; escaped it can be written
            return json.dumps(obj)
