"""The pages: gallery, photo, upload. Plain HTML, no JavaScript; a missing prediction never breaks one."""

from dataclasses import dataclass

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from webapp.images import MAX_BYTES, CheckedImage, ImageTooLarge, UndecodableImage, check_image
from webapp.photos import MAX_ID, PhotoStore
from webapp.predictor import Photo, Prediction, PredictionError, PredictionPending, Predictor, UnknownPhoto
from webapp.problems import describe
from webapp.queries import whole_number
from webapp.uploads import check_size, title_of

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
        record = photos.get(photo_id)
        etag = f"{record.id}-{record.version}"
        return send_file(photos.thumbnail(record), mimetype="image/jpeg", etag=etag, max_age=0)

    @routes.get("/upload")
    def upload_form() -> str:
        return render_template("upload.html", max_bytes=MAX_BYTES, problem=None)

    @routes.post("/photos")
    def upload() -> ResponseReturnValue:
        try:
            image, name = _form_image()
        except (UndecodableImage, ImageTooLarge) as error:
            status, detail, _ = describe(error)
            return render_template("upload.html", max_bytes=MAX_BYTES, problem=detail), status
        record = photos.add(image, title_of(request.form.get("title", "") or name))
        return redirect(url_for("pages.photo", photo_id=record.id), 303)

    return routes


def _ask(predictor: Predictor, photo: Photo) -> Shown:
    try:
        return Shown(predictor.predict(photo))
    except PredictionPending:
        return Shown(why_not="This photo has not been looked at yet. Come back in a moment.")
    except UnknownPhoto:
        raise
    except PredictionError as error:
        return Shown(why_not=f"No prediction can be had right now. {error}")


def _form_image() -> tuple[CheckedImage, str]:
    """Return the form's image and its file's name without the suffix."""
    file = request.files.get("image")
    if file is None or not file.filename:
        raise UndecodableImage("Choose a photo first.")
    return check_image(check_size(file.read())), file.filename.rsplit(".", 1)[0]
