# Write the values between the second pair of bars, then run the sed command of README.md. Values hold no bar.
s|@account-id@|@account-id@|g
s|@host.api@|@host.api@|g
s|@listener.id@|@listener.id@|g
s|@load-balancer.id@|@load-balancer.id@|g
s|@load-balancer.name@|@load-balancer.name@|g
s|@target-group-id.api@|@target-group-id.api@|g
s|sg-@instances.m7g-large@|sg-@instances.m7g-large@|g
s|sg-@tasks.api@|sg-@tasks.api@|g
s|sg-@tasks.mailer@|sg-@tasks.mailer@|g
s|subnet-@private.a@|subnet-@private.a@|g
s|subnet-@private.b@|subnet-@private.b@|g
s|vpc-@id@|vpc-@id@|g
