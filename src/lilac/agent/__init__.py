"""The node daemon: makes its machine look like the list that the control plane gives it.

`main.run` is the composition root. `reporting` speaks with the control plane, `reconciling` decides, `replicas`
carries out, the runtimes (`process_runtime`, `docker_runtime`) start and watch, `journal` remembers, `shipping` sends
the output. Nothing in here decides what runs.
"""
