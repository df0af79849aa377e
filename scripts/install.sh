#!/usr/bin/env bash
# Install docent and the packages of an extra into .venv; nothing is done twice.
# Run alone: scripts/install.sh run | dev | browser
# PyTorch comes first, because any package that needs it would otherwise bring the CUDA build, several gigabytes, also
# where there is no GPU. PIP_* variables work as usual; TORCH_CPU_INDEX names another index of CPU builds.
set -euo pipefail
cd "$(dirname "$0")/.."

extra=$1
torch="torch==$(sed -n 's/^ *"torch==\(.*\)",$/\1/p' pyproject.toml)"
index=${TORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}
python=.venv/bin/python

[ -x "$python" ] || "${PYTHON:-python3}" -m venv .venv

# What pip would take by itself: a CPU build carries "+cpu" in its version.
resolved_version() {
    "$python" -m pip install --quiet --dry-run --no-deps --ignore-installed --report - "$torch" 2>/dev/null |
        "$python" -c 'import json, sys; print(json.load(sys.stdin)["install"][0]["metadata"]["version"])' || true
}

if ! "$python" -c 'import torch' 2>/dev/null; then
    if [ "$(uname -s)" != Linux ] || nvidia-smi -L >/dev/null 2>&1; then
        "$python" -m pip install --quiet "$torch"
    else
        case "$(resolved_version)" in
            *+cpu) "$python" -m pip install --quiet "$torch" ;;
            *) "$python" -m pip install --quiet --index-url "$index" "$torch" ;;
        esac
    fi
fi
"$python" -m pip install --quiet --editable ".[$extra]"
