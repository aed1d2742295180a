# Write the values between the second pair of bars. Values hold no bar. deploy.sh does the rest.
s|@image-tag.encoder@|@image-tag.encoder@|g
s|subnet-@private.a@|subnet-@private.a@|g
s|subnet-@private.b@|subnet-@private.b@|g
s|vpc-@id@|vpc-@id@|g
