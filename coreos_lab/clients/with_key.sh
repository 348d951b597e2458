#!/bin/sh
# with_key.sh KEY COMMAND...: becomes a command that has the key in its agent. To be run by ssh-agent.
# The shell becomes the command, so that the command has the terminal and gets the signals. By itself, ssh-agent would
# end up to ten seconds later; so another process waits for the command's end, and ends the agent. (A pipe would not
# show the end: ssh closes all that it inherits.)
ssh-add -q "$1" || { kill "$SSH_AGENT_PID"; exit 1; }
shift
(trap '' HUP INT; tail --pid=$$ --sleep-interval=0.1 -f /dev/null; kill "$SSH_AGENT_PID") >/dev/null 2>&1 &
exec "$@"
