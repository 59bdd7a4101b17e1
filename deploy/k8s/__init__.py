"""The manifests, the checks over them, and the keys of a cluster."""
