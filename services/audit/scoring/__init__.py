"""Statistics over claims: what looks wrong before anybody has looked. The only room with floats.

Scoring is a process of its own (`python -m services.audit score`); nothing that serves imports it.
"""
