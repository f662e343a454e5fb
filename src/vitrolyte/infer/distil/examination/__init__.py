"""The examination of a student against its teacher, figure by figure."""
