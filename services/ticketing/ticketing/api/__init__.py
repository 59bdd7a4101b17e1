"""The ticketing API (`docs/guides/ticketing-api.md`): what agents, the desk and programs use."""
