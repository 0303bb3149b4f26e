"""Architecture 1: the model runs inside every web worker."""
