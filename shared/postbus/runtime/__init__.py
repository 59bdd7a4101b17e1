"""What every service needs to run: settings, logs, health, metrics, tokens, problem documents."""
