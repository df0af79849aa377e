"""Talk to one endpoint: build request bodies, send them, parse replies and errors in any common form.

`providers` lists the kinds of endpoints and their differences.
Start reading at `endpoint.py`.
"""
