"""What a potential is: students, teachers and classical ones, each with its cost and its trust."""
