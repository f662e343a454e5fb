"""X-ray absorption: from μ(E) to distances and numbers of neighbours."""
