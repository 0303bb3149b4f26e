"""`sweetspot compare`: two run folders side by side. The statistics are Welch's and Holm's."""
