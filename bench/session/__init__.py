"""What every run shares: cores, folder, preparation, the loop, failures, gates of the machine, write-up, exit code."""
