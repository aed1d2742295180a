# Write the values between the second pair of bars, then run the sed command of README.md. Values hold no bar.
s|@account-id@|@account-id@|g
s|@ecr-repository.nightly@|@ecr-repository.nightly@|g
s|@host.thumbnails@|@host.thumbnails@|g
s|@listener.id@|@listener.id@|g
s|@load-balancer.id@|@load-balancer.id@|g
s|@load-balancer.name@|@load-balancer.name@|g
s|@target-group-id.thumbnails@|@target-group-id.thumbnails@|g
s|image.invalid/service:nightly.fill-in|image.invalid/service:nightly.fill-in|g
s|sg-@tasks.nightly@|sg-@tasks.nightly@|g
s|sg-@tasks.thumbnails@|sg-@tasks.thumbnails@|g
s|subnet-@private.a@|subnet-@private.a@|g
s|subnet-@private.b@|subnet-@private.b@|g
s|subnet-@private.c@|subnet-@private.c@|g
s|vpc-@id@|vpc-@id@|g
