"""Image registries: which one an image comes from, and the credential that may be shown to it.

    references     which registry an image reference names
    settings       the registries that are configured for the agent
    credentials    the precedence of all sources of credentials, and the one rule of their use
    docker_config  Docker's own config.json and its credential helpers
    ecr            Amazon ECR: tokens that are renewed before they end
    aws            where AWS credentials come from
    sigv4          AWS's signature of requests

The rule: a credential goes to the registry that it belongs to and to no other, since a job must not be able to carry it
elsewhere by naming an image.
"""
