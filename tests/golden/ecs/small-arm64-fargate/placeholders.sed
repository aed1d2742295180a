# Write the values between the second pair of bars, then run the sed command of README.md. Values hold no bar.
s|@account-id@|@account-id@|g
s|sg-@tasks.worker@|sg-@tasks.worker@|g
s|subnet-@private.a@|subnet-@private.a@|g
s|subnet-@private.b@|subnet-@private.b@|g
