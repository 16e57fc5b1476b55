# Arrow C++ with its Azure file system: headers and three libraries out of the pyarrow wheel. pip
# checks the wheel's hash; Python itself is not needed to build or run
# (docs/decisions/0001-arrow-from-the-wheel.md).
title='Arrow C++ 26.0.1'
remedy='check that pip can reach a package index (pip download pyarrow)'
pins=(tools/setup/arrow.txt)

there() { stamped && [ -e "$MMS_CACHE/arrow/pyarrow/libparquet.so.2600" ]; }

install() {
  "$python" -m pip download -q --no-deps --only-binary :all: --require-hashes -d "$work" \
    --python-version 3.11 --platform manylinux_2_28_x86_64 -r "$repo/tools/setup/arrow.txt"
  unzip -q "$work"/pyarrow-*.whl 'pyarrow/include/*' 'pyarrow/libarrow.so.*' \
    'pyarrow/libarrow_compute.so.*' 'pyarrow/libparquet.so.*' -d "$work/wheel"
  replace "$work/wheel" "$MMS_CACHE/arrow"
}
