"""What a person sees: progress on stderr, results on stdout, both safe against whatever a user's data contains."""
