#!/bin/sh
# nats.conf reads NATS_PASSWORD as a value of its own language, where 1e5 is a number, yes a boolean and $ a variable: in
# quotes it is text, whatever it holds.
set -eu
NATS_PASSWORD="\"$(printf %s "${NATS_PASSWORD:?is not set}" | sed 's/[\\"]/\\&/g')\""
export NATS_PASSWORD
exec nats-server "$@"
