"""How large a request may be. Imports nothing: gunicorn's master process reads it, too."""

MAX_BYTES = 10 * 1024 * 1024  # of an image
MAX_BODY = MAX_BYTES + 64 * 1024  # the image, and a form around it
