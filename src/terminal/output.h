// Where everything the verbs print goes out: results on stdout, logs and progress on stderr, each
// text scrubbed of secrets (base/secret.h) and written under one lock, so that lines of several
// threads do not mix.
//
// Thread-safe. A reader that goes away (`| head`) ends nothing; any other failed write of a result
// is remembered and makes the command fail.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "terminal/exit_code.h"

namespace mms::terminal {

using Json = nlohmann::ordered_json;

/// What the reader of a stream can show.
struct Screen {
  bool terminal = false;  ///< a terminal that can move its cursor
  bool utf8 = false;
  bool color = false;  ///< never with NO_COLOR
  int width = 0;       ///< cells; 0 = unlimited (not a terminal)
  int height = 24;
};

/// Looks at the stream as it is now (a window may be resized).
Screen ScreenOf(int file_descriptor);

enum class Color { kGreen, kRed, kYellow, kDim };
/// `text` in a colour, or as it is on a screen without.
std::string Colored(std::string_view text, Color color, const Screen& screen);

class Output {
 public:
  explicit Output(bool json) : json_(json) {}

  bool json() const { return json_; }
  /// Text of the result, as it is.
  void Result(std::string_view text);
  /// One line {"type": type, "schema": 1, ...fields} of the result.
  void Object(std::string_view type, const Json& fields);
  /// A line for people on stderr.
  void Log(std::string_view line);
  /// Drawing on stderr, control sequences included.
  void Draw(std::string_view text);
  /// What failed, on which object, what to do, [CODE]; with --json an object of type "error" too.
  ExitCode Fail(const Error& error);
  /// `code`, or kBug when a result could not be written.
  ExitCode Close(ExitCode code);

 private:
  void Write(int file_descriptor, std::string_view text);

  const bool json_;
  std::mutex mutex_;
  int write_error_ = 0;
};

/// What Output::Object prints, with its line end.
std::string ObjectLine(std::string_view type, const Json& fields);
/// {"kind", "code", "where", "message"} of an error.
Json ErrorFields(const Error& error);
/// null when unknown.
Json OrNull(const std::optional<int64_t>& number);

}  // namespace mms::terminal
