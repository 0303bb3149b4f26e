"""The front of the web server: clients are waited for here, so that no thread has to (docs/adr/0015).

worker    gunicorn's, with threads; each gets only what is whole
arrival   has a request arrived whole?
visitor   one connection, and what gunicorn takes for its socket
budget    what may be held for all of them
refusals  answers that need no thread
"""
