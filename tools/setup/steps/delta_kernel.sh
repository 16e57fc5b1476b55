# Starts the build of the Rust crate and leaves it running, since it takes 10 to 20 minutes when the
# cache is cold: the later steps and the C++ compilation go on beside it. CMake's target
# delta_kernel_build runs the same script again, which waits for cargo's lock and reports what went
# wrong; so nobody waits or looks here.
title='Delta kernel (Rust crate)'
note='building in the background (10 to 20 minutes when new)'
pins=(src/clients/delta/kernel/Cargo.toml src/clients/delta/kernel/Cargo.lock.in)

building() { ! flock -n "$MMS_CACHE/delta_kernel.lock" true; }
there() { building || { stamped && [ -e "$MMS_CACHE/cargo-target/release/libmms_delta.so" ]; }; }

install() {
  cd "$repo" # $work is gone before the build ends
  # bash starts background commands with SIGINT ignored; Ctrl-C must end cargo too.
  env --default-signal=INT,QUIT flock -n "$MMS_CACHE/delta_kernel.lock" \
    "$setup/delta_kernel.sh" "$MMS_CACHE/cargo-target" \
    >"$MMS_CACHE/log/delta_kernel_build.log" 2>&1 9>&- &
  echo $! >"$background_pid"
}
