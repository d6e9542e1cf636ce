# egress
