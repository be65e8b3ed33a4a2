#!/bin/sh
# Install a requirements group into .venv: deploy/local/install.sh run|dev
# The second time is instant. Needs Python 3.11 or newer and nothing else: uv, pinned by hash,
# installs the rest, each file checked against its hash.
set -eu
group=$1
cd "$(dirname "$0")/../.."
wanted="$group $(cat requirements/bootstrap.txt "requirements/$group.txt" | sha256sum | cut -d' ' -f1)"
stamp=.venv/.installed-$group
if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then exit 0; fi

say() { echo "install: $*" >&2; }

python=
for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    say "Python 3.11 or newer is needed"
    exit 1
fi

make_venv() { "$python" -m venv .venv >/dev/null 2>&1; }

if [ ! -x .venv/bin/uv ]; then
    if ! make_venv; then
        # Debian ships venv apart from python3.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            say "installing python3-venv"
            apt-get update -qq >&2
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                python3-venv >&2
            make_venv
        else
            say "python3 -m venv does not work here: install the package python3-venv"
            exit 1
        fi
    fi
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes \
        -r requirements/bootstrap.txt
fi

say "the packages of requirements/$group.txt (the first time about half a minute)"
rm -f .venv/.installed-*
# The machine's own certificates where it has some: an agency's network may sign its own.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then export UV_SYSTEM_CERTS=true; fi
VIRTUAL_ENV="$PWD/.venv" UV_PYTHON_DOWNLOADS=never .venv/bin/uv pip sync -q --compile-bytecode --require-hashes \
    "requirements/bootstrap.txt" "requirements/$group.txt"
echo "$wanted" >"$stamp"
if [ "$group" = dev ]; then # dev holds all of run
    echo "run $(cat requirements/bootstrap.txt requirements/run.txt | sha256sum | cut -d' ' -f1)" \
        >.venv/.installed-run
fi
