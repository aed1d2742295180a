# Write the values between the second pair of bars. Values hold no bar. deploy.sh does the rest.
s|@host.api@|@host.api@|g
s|@listener.id@|@listener.id@|g
s|@load-balancer.id@|@load-balancer.id@|g
s|@load-balancer.name@|@load-balancer.name@|g
s|sg-@application-load-balancer@|sg-@application-load-balancer@|g
s|subnet-@private.a@|subnet-@private.a@|g
s|subnet-@private.b@|subnet-@private.b@|g
s|vpc-@id@|vpc-@id@|g
