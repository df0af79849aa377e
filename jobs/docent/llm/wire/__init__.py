"""Communicate with one endpoint: build request bodies, send them, parse replies and errors in all common forms.

`providers` lists the kinds of endpoints and their differences.
Start reading at `endpoint.py`.
"""
