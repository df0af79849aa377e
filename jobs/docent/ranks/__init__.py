"""Run a stage as process 1 of a pod, and coordinate the processes of one distributed training.

`lead` starts torchrun and turns the exits of its ranks into exit codes; `peers` is what a rank does with the others.
Start reading at `lead.py`.
"""
