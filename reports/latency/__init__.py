"""The room of the latency experiment: where should the model live, as far as response times tell."""
