"""The local stack of `make up`: real servers and all services on one machine, under supervisord."""
