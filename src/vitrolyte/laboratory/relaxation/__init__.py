"""Spin relaxation as measured: recoveries and decays, rates over temperature."""
