// `mms VERB ...`: arguments to verbs, and the last net under everything.
#pragma once

namespace mms::terminal {

/// The whole program. Returns the exit code.
int Main(int argc, char** argv);

}  // namespace mms::terminal
