"""The `lilac` command: one module per noun, loaded when it is used, so that every command starts quickly."""
