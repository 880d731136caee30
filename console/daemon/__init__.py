"""The scheduler that runs by itself: `service` is the way through; a job does what is due in the tables and
keeps nothing in memory.

ticker       when each job runs: the only module that knows APScheduler
leadership   exactly one scheduler a database: lock file, lease and fence
jobs         what is done: renew, tick, dispatch, drop folder, housekeeping
troubles     what goes wrong, told once and kept for `status`
service      starting, signals, stopping
log, notify, unit   lines for people and machines, and systemd
"""
