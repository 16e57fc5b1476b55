#include "terminal/output.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cstring>

#include "base/scrub_json.h"

namespace mms::terminal {
namespace {

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

}  // namespace

Screen ScreenOf(int file_descriptor) {
  Screen screen;
  // The locale is set once by main; without one nothing but ASCII is safe on a terminal.
  const bool utf8_locale = std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  if (isatty(file_descriptor) == 0) {
    screen.utf8 = true;  // a file or pipe takes bytes
    return screen;
  }
  const char* term = std::getenv("TERM");
  screen.terminal = term != nullptr && *term != '\0' && std::strcmp(term, "dumb") != 0;
  screen.utf8 = utf8_locale;
  screen.color = screen.terminal && !IsSet("NO_COLOR");
  screen.width = 80;
  winsize size = {};
  if (ioctl(file_descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    screen.width = size.ws_col;
    if (size.ws_row > 0) screen.height = size.ws_row;
  }
  return screen;
}

std::string Colored(std::string_view text, Color color, const Screen& screen) {
  if (!screen.color) return std::string(text);
  const char* code = "0";
  switch (color) {
    case Color::kGreen: code = "32"; break;
    case Color::kRed: code = "31"; break;
    case Color::kYellow: code = "33"; break;
    case Color::kDim: code = "2"; break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

void Output::Write(int file_descriptor, std::string_view text) {
  std::lock_guard lock(mutex_);
  while (!text.empty()) {
    const ssize_t written = ::write(file_descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      if (file_descriptor == STDOUT_FILENO) write_error_ = errno;
      return;
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
}

void Output::Result(std::string_view text) { Write(STDOUT_FILENO, ScrubSecrets(text)); }

void Output::Object(std::string_view type, const Json& fields) {
  Write(STDOUT_FILENO, ObjectLine(type, fields));
}

void Output::Log(std::string_view line) { Write(STDERR_FILENO, ScrubSecrets(line) + "\n"); }

void Output::Draw(std::string_view text) { Write(STDERR_FILENO, ScrubSecrets(text)); }

ExitCode Output::Fail(const Error& error) {
  const ExitCode code = ExitCodeOf(error.kind());
  if (json_) {
    Json fields = ErrorFields(error);
    fields["exit_code"] = static_cast<int>(code);
    Object("error", fields);
  }
  const Screen screen = ScreenOf(STDERR_FILENO);
  Log(Colored("error:", Color::kRed, screen) + " " + error.ToString());
  return code;
}

ExitCode Output::Close(ExitCode code) {
  int write_error = 0;
  {
    std::lock_guard lock(mutex_);
    write_error = write_error_;
  }
  if (write_error == 0 || write_error == EPIPE) return code;
  Log(std::string("error: stdout: cannot write the result: ") + std::strerror(write_error) +
      "; free space or redirect it elsewhere [OUTPUT_FAILED]");
  return code == ExitCode::kDone ? ExitCode::kBug : code;
}

std::string ObjectLine(std::string_view type, const Json& fields) {
  Json object = {{"type", type}, {"schema", 1}};
  object.update(fields);
  ScrubStrings(object);
  // Names from outside may be broken UTF-8: replaced, never thrown about.
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json ErrorFields(const Error& error) {
  return {{"kind", KindName(error.kind())},
          {"code", error.code()},
          {"where", error.where()},
          {"message", error.message()}};
}

Json OrNull(const std::optional<int64_t>& number) { return number ? Json(*number) : Json(nullptr); }

}  // namespace mms::terminal
