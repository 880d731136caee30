"""The scheduler that runs by itself: `service` is the way through; a job does what is due in the tables and
keeps nothing in memory.

ticker       when each job runs: the only module that knows APScheduler
leadership   exactly one scheduler a database: lock file, lease and fence
jobs         what is done: renew, watch, tick, dispatch, drop folder, health, housekeeping
metrics_outlet   where the numbers for Prometheus are left
troubles     what goes wrong, told once and kept for `status`
service      starting, signals, stopping
log, notify, unit   lines for people and machines, and systemd
"""
