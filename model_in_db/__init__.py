"""Architecture 2: a batch job scores the photos ahead of time, the web server reads rows."""
