# Write the values between the second pair of bars, then run the sed command of README.md. Values hold no bar.
s|@account-id@|@account-id@|g
s|@host.search@|@host.search@|g
s|@host.web@|@host.web@|g
s|@listener.id@|@listener.id@|g
s|@load-balancer.id@|@load-balancer.id@|g
s|@load-balancer.name@|@load-balancer.name@|g
s|@target-group-id.search@|@target-group-id.search@|g
s|@target-group-id.web@|@target-group-id.web@|g
s|sg-@instances.managed-arm64@|sg-@instances.managed-arm64@|g
s|sg-@tasks.cron@|sg-@tasks.cron@|g
s|sg-@tasks.search@|sg-@tasks.search@|g
s|sg-@tasks.web@|sg-@tasks.web@|g
s|subnet-@private.a@|subnet-@private.a@|g
s|subnet-@private.b@|subnet-@private.b@|g
s|vpc-@id@|vpc-@id@|g
