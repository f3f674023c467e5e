"""`lilac demo`: the whole platform on this machine, in a minute.

`command` is the command line, `story` what is shown and in which order, `stage` the processes and their end, `images`
the container image for machines without a registry, and `train_digits` the training job itself.
"""
