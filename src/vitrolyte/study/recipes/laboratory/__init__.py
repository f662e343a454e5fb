"""Steps that read files of instruments and fit what was measured."""
