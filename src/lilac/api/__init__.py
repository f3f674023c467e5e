"""HTTP in and out: routes by noun, schemas, authentication, rights, event streams."""
