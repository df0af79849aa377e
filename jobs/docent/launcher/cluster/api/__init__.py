"""Access the Kubernetes API: objects, dry runs, Leases, commands in pods.

Plain dicts in, plain dicts out.
Start reading at `client.py`.
"""
