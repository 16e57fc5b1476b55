// The binary: sub-commands only, see terminal/.
#include "terminal/command_line.h"

int main(int argc, char** argv) { return mms::terminal::Main(argc, argv); }
