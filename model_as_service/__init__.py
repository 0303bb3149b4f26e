"""Architecture 3: the model runs in an inference server of its own, the web server calls it."""
