"""The pages: gallery, photo, upload. Plain HTML, no JavaScript; a missing prediction never breaks one."""

from dataclasses import dataclass

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.images import MAX_BYTES
from webapp.photos import MAX_ID, PhotoStore
from webapp.predictor import Photo, Prediction, PredictionError, PredictionPending, Predictor, UnknownPhoto
from webapp.problems import describe
from webapp.queries import whole_number
from webapp.ranges import photo_file
from webapp.uploads import read_form

PAGE_SIZE = 48


@dataclass(frozen=True, slots=True)
class Shown:
    """What a photo page says about the prediction: the answer, or in words why there is none."""

    prediction: Prediction | None = None
    why_not: str = ""


def blueprint(photos: PhotoStore, predictor: Predictor) -> Blueprint:
    """Return the routes for people."""
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def gallery() -> str:
        shown = photos.newest(whole_number("before", None, 1, MAX_ID), PAGE_SIZE)
        return render_template("gallery.html", photos=shown, older=shown[-1].id if len(shown) == PAGE_SIZE else None)

    @routes.get("/photos/<photo_id:photo_id>")
    def photo(photo_id: int) -> str:
        record = photos.get(photo_id)
        return render_template("photo.html", photo=record, shown=_ask(predictor, photos.photo(photo_id)))

    @routes.get("/photos/<photo_id:photo_id>/thumbnail")
    def thumbnail(photo_id: int) -> Response:
        record, content = photos.load_thumbnail(photo_id)
        return photo_file(content, "image/jpeg", f"{record.id}-{record.version}-{record.token}")

    @routes.get("/upload")
    def upload_form() -> str:
        return render_template("upload.html", max_bytes=MAX_BYTES, problem=None)

    @routes.post("/photos")
    def upload() -> ResponseReturnValue:
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            abort(403, "This form was sent by a page of another site; add the photo here.")
        try:
            sent = read_form()
            record = photos.add(sent.image, sent.title)
        except Exception as error:  # noqa: BLE001  (whatever it is: the form again, and why)
            status, detail, headers = describe(error)
            return render_template("upload.html", max_bytes=MAX_BYTES, problem=detail), status, headers
        return redirect(url_for("pages.photo", photo_id=record.id), 303)

    return routes


def _ask(predictor: Predictor, photo: Photo) -> Shown:
    try:
        return Shown(predictor.predict(photo))
    except PredictionPending:
        return Shown(why_not="This photo has not been looked at yet. Come back in a moment.")
    except UnknownPhoto:
        raise
    except (PredictionError, OSError, MemoryError) as error:  # the photo's own file may be what is missing
        return Shown(why_not=f"No prediction can be had right now. {describe(error)[1]}")
