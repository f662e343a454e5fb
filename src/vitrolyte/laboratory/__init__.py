"""What measured curves say: forward functions of `observe` inverted by the fits of `infer`."""
