"""`lilac top`: the cluster at a glance, live.

`screen` says what is shown, as lines of text (pure); `watching` keeps what is shown up to date; `command` draws it and
takes the keys.
"""
