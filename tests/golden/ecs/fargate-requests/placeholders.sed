# Write the values between the second pair of bars, then run the sed command of README.md. Values hold no bar.
s|@account-id@|@account-id@|g
s|@host.web@|@host.web@|g
s|@listener.id@|@listener.id@|g
s|@load-balancer.id@|@load-balancer.id@|g
s|@load-balancer.name@|@load-balancer.name@|g
s|@target-group-id.web@|@target-group-id.web@|g
s|sg-@tasks.web@|sg-@tasks.web@|g
s|subnet-@public.a@|subnet-@public.a@|g
s|subnet-@public.b@|subnet-@public.b@|g
s|vpc-@id@|vpc-@id@|g
