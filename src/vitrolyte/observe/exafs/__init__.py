"""X-ray absorption fine structure: ensembles, transforms, path fits, first-shell lengths."""
