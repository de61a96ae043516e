"""Reports: what happened in a run as a page to look at, one file with everything in it."""
