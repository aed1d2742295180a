# Write the values between the second pair of bars. Values hold no bar. deploy.sh does the rest.
s|@host.web@|@host.web@|g
s|@listener.id@|@listener.id@|g
s|@load-balancer.id@|@load-balancer.id@|g
s|@load-balancer.name@|@load-balancer.name@|g
s|sg-@application-load-balancer@|sg-@application-load-balancer@|g
s|subnet-@public.a@|subnet-@public.a@|g
s|subnet-@public.b@|subnet-@public.b@|g
s|vpc-@id@|vpc-@id@|g
