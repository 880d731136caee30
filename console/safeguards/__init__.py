"""What keeps harm from going out, whatever else is broken: the stop file and the clock guard.

clock_guard   whether the clock can be trusted, and what time it is where it cannot
stop_file     the file STOP in the workspace folder, which every sender looks at
stopping      the file and the row of the emergency stop, brought together
"""
