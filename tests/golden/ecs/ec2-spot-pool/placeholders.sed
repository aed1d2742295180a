# Write the values between the second pair of bars, then run the sed command of README.md. Values hold no bar.
s|@account-id@|@account-id@|g
s|@ecr-repository.encoder@|@ecr-repository.encoder@|g
s|image.invalid/service:encoder.fill-in|image.invalid/service:encoder.fill-in|g
s|sg-@instances.spot-x86@|sg-@instances.spot-x86@|g
s|sg-@tasks.encoder@|sg-@tasks.encoder@|g
s|subnet-@private.a@|subnet-@private.a@|g
s|subnet-@private.b@|subnet-@private.b@|g
