"""What is scattered: structure factors in every convention, as measured, and powder patterns."""
