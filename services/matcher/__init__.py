"""The matcher: joins every patient's view with the criteria of every trial, and says what is proposed, changed, withdrawn."""
