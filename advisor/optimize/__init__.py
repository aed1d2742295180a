"""Search over plans: which instance type, which launch choice per service, which services share a cluster."""
