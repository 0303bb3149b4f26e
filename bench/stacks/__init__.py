"""The system under test as processes: stack files read, started under guard, verified, stopped."""
