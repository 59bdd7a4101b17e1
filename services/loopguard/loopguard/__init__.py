"""The loop guard: answers "may this mail be sent?", with the rule and the reason."""
