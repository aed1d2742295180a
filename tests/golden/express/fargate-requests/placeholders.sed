s|@account-id@|@account-id@|g
s|subnet-@public.a@|subnet-@public.a@|g
s|subnet-@public.b@|subnet-@public.b@|g
