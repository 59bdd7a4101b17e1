"""The SMTP and LMTP door for creation addresses and reply addresses."""
