"""Other inference servers around the same model, and the run that compares them with ours."""
