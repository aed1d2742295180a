# Write the values between the second pair of bars. Values hold no bar. deploy.sh does the rest.
s|@host.chat@|@host.chat@|g
s|@host.orders@|@host.orders@|g
s|@host.search@|@host.search@|g
s|@host.storefront@|@host.storefront@|g
s|@listener.id@|@listener.id@|g
s|@load-balancer.id@|@load-balancer.id@|g
s|@load-balancer.name@|@load-balancer.name@|g
s|sg-@application-load-balancer@|sg-@application-load-balancer@|g
s|subnet-@private.a@|subnet-@private.a@|g
s|subnet-@private.b@|subnet-@private.b@|g
s|vpc-@id@|vpc-@id@|g
