#!/bin/sh
# Install packages into a folder that an image then copies over its virtual environment, /opt/docent.
# Run inside a build stage: install.sh FOLDER PIP-ARGUMENTS...
# --prefix leaves out what the base image has, so the folder is a delta. Bytecode is compiled here, for the paths it will
# have, and never checked against a file's time: the root file system of a pod is read-only, and without it every start
# would compile every module again. Test files stay behind; modules that packages import from their `tests` stay.
# pip keeps its cache only where a volume is mounted for it.
set -eu
folder=$1
shift
[ -d /root/.cache/pip ] || export PIP_NO_CACHE_DIR=1
mkdir -p "$folder"
pip --python /opt/docent/bin/python install --quiet --root-user-action ignore --no-compile --prefix "$folder" "$@"
packages=$(echo "$folder"/lib/python3*/site-packages)
rm -rf "$packages/test" "$packages/tests" "$packages"/*/test "$packages"/torch/bin/test_*
find "$packages" -path '*/tests/*' -name 'test_*' -prune -exec rm -rf {} +
/opt/docent/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$folder" -p /opt/docent "$packages" ||
    echo "what is written for a later Python stays without bytecode"
