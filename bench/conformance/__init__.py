"""`sweetspot conformance URL`: what a server of the Open Inference Protocol V2 (REST) fulfils, check by check."""
