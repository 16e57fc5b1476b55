// Secrets: values that may be used but never shown.
//
// A Secret has no stream or format operator, so printing one does not compile; its bytes come out
// only through Reveal(), which is searchable. ScrubSecrets cleans text that other libraries made
// (URLs with a SAS signature, echoed headers) and every value that was ever put into a Secret in
// this process. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mms {

class Secret {
 public:
  Secret() = default;
  /// Registers the value with the scrubber (values shorter than 6 bytes are not: they would hit
  /// plain text).
  explicit Secret(std::string value);

  const std::string& Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

/// Resolves a reference of the configuration file: "env:NAME" or "file:PATH" (one trailing newline
/// is dropped). A literal value is refused with the fix shown, so that files under version control
/// stay clean. Errors: kInvalidInput SECRET_LITERAL, SECRET_NOT_SET, SECRET_UNREADABLE; `what`
/// names the setting.
Result<Secret> ResolveSecret(std::string_view reference, std::string_view what);

/// Replaces every known secret (plain, percent-encoded, within base64), and values of sig=, token
/// and Authorization fields, by ***. Linear in the text; safe for answers of any size.
std::string ScrubSecrets(std::string_view text);

}  // namespace mms
