"""Listening to hosts, so that what happens there is looked at within a second and not when its turn comes."""
