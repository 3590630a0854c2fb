#!/usr/bin/env bash
# mypy over the packages as they are imported: links in build/typed put the four folders under the one name layeralgebra.
#   tests/typecheck.sh [PYTHON [MYPY ARGUMENTS]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$(realpath --no-symlinks "${1:-.venv/bin/python}")
root=$PWD typed=$PWD/build/typed
rm -rf "$typed" && mkdir -p "$typed/layeralgebra"
for file in "$root"/layeralgebra/*; do
  [ "${file##*/}" = __pycache__ ] || ln -s "$file" "$typed/layeralgebra/"
done
for folder in algebra layers proofs; do ln -s "$root/$folder" "$typed/layeralgebra/$folder"; done
cd "$typed"
exec "$python" -P -m mypy --config-file "$root/pyproject.toml" --cache-dir "$root/.mypy_cache" "${@:2}" -p layeralgebra
