"""The JSON API of photos, as `openapi.yaml` describes it: their metadata, their bytes, and new ones."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request

from webapp.clock import rfc3339
from webapp.photos import MAX_ID, PhotoRecord, PhotoStore
from webapp.queries import whole_number
from webapp.ranges import photo_file
from webapp.titles import title_of
from webapp.uploads import read_image

OPENAPI = Path(__file__).with_name("openapi.yaml")
MAX_LIMIT = 200


def blueprint(photos: PhotoStore) -> Blueprint:
    """Return the routes under /api that this store answers."""
    routes = Blueprint("photo_api", __name__, url_prefix="/api")

    @routes.get("/openapi.yaml")
    def contract() -> Response:
        return Response(OPENAPI.read_bytes(), mimetype="application/yaml")

    @routes.get("/photos")
    def list_photos() -> dict[str, Any]:
        limit = whole_number("limit", 50, 1, MAX_LIMIT)
        found = photos.after(whole_number("after", 0, 0, MAX_ID), limit)
        return {"photos": [photo_json(photo) for photo in found], "next": found[-1].id if len(found) == limit else None}

    @routes.get("/photos/<photo_id:photo_id>")
    def get_photo(photo_id: int) -> dict[str, Any]:
        return photo_json(photos.get(photo_id))

    @routes.get("/photos/<photo_id:photo_id>/image")
    def get_image(photo_id: int) -> Response:
        record, content = photos.load(photo_id)
        return photo_file(content, record.media_type, f"{record.id}-{record.version}-{record.token}")

    @routes.post("/photos")
    def add_photo() -> tuple[dict[str, Any], int, dict[str, str]]:
        photo = photos.add(read_image(), title_of(request.args.get("title", "")))
        return photo_json(photo), 201, {"Location": f"/api/photos/{photo.id}"}

    @routes.put("/photos/<photo_id:photo_id>")
    def replace_photo(photo_id: int) -> dict[str, Any]:
        photos.get(photo_id)  # a photo that does not exist is told so before its bytes are judged
        return photo_json(photos.replace(photo_id, read_image()))

    return routes


def photo_json(photo: PhotoRecord) -> dict[str, Any]:
    """Return a photo's metadata as the contract writes it."""
    return {
        "id": photo.id,
        "version": photo.version,
        "title": photo.title,
        "media_type": photo.media_type,
        "width": photo.width,
        "height": photo.height,
        "bytes": photo.bytes,
        "created_at": rfc3339(photo.created_at),
        "updated_at": rfc3339(photo.updated_at),
    }
