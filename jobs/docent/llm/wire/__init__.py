"""Speak to one endpoint: build request bodies, send them, read replies and errors in any usual form.

`providers` lists the kinds of endpoints and how they differ.
Start reading at `endpoint.py`.
"""
