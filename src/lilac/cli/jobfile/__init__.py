"""Job files: jobs written down in YAML, to be submitted, kept in a repository, and submitted again.

* `documents` turns text into nodes that know their line and column, by the rules of YAML 1.2.
* `kinds` are the kinds of values (a text, a length of time, an amount of memory): each reads a node, collects what is
  wrong with it, and says its JSON Schema.
* `fields` is the table of all keys of a job file; reading, the schema and the reference page are made from it.
* `reading` makes requests of the API out of a file; `writing` makes a file out of a job.

A file is read to its end and all mistakes are told at once, each with its place. Nothing is evaluated: no tags, no
templates; a text stays the characters that were typed (`1.10`, `no` and `007` included).
"""
