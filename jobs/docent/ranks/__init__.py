"""Run a stage as process 1 of a pod, and coordinate the processes of one distributed training.

`lead` starts torchrun and maps the exits of its ranks to exit codes; `peers` has the functions that ranks call.
Start reading at `lead.py`.
"""
