"""The front of the web server: clients are waited for here, so that no thread has to (docs/adr/0015).

worker ─ gunicorn's, with threads ─► arrival   has a request arrived whole?
visitor   one connection, and what gunicorn takes for its socket
refusals  answers that need no thread
"""
