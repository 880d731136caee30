"""The product tries itself: workspaces with random lives are played while the process is killed, the power
fails, the disk fills or errs, the provider lies and the clock goes on, and afterwards a checker that knows
nothing of the engine reads what happened.

Everything follows from one seed, so that a failure that anybody reports can be played again.

- `disk`, `disk.c`: a disk that fails on request, and what a power cut leaves
- `provider`: the world outside: what was really handed over, and how it answers
- `world`: the workspace and the lives of a seed
- `acts`: what can be done, and the acts of a seed
- `player`: acts played in processes of their own
- `history`: what must hold, whatever happened
- `shrinking`: the shortest acts that still fail
"""
