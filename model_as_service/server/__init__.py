"""The inference server: the Open Inference Protocol V2 around one model on one device. It knows nothing of the product.

keeper ─ holds the port, starts, replaces and revives ─► serving process
                                                           connection HTTP: clocks, turns, bodies within a budget
                                                           app        ASGI: the hot path, and FastAPI for the rest
                                                           inference  one request: read, admit, wait, answer
                                                           large      photos that are decoded ahead, one at a time
                                                           scheduler  queue, batches, the thread of the model
                                                           repository models and versions, on disk and loaded
"""
