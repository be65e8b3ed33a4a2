#!/bin/sh
# Java and Maven, for the real broker. Installed where that is allowed: as root on Debian and its
# kin, or where CI=true. Elsewhere the tests that need them are skipped by name.
set -eu
if [ -n "${KAFKA_BOOTSTRAP:-}" ]; then exit 0; fi
if command -v java >/dev/null && command -v mvn >/dev/null; then exit 0; fi
root=
if [ "$(id -u)" != 0 ]; then
    if [ "${CI:-}" != true ]; then exit 0; fi
    root="sudo -n"
fi
if ! command -v apt-get >/dev/null; then exit 0; fi
echo "install: java, maven" >&2
$root apt-get update -qq >&2
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    default-jre-headless maven >&2
