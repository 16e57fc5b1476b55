#include "terminal/html_text.h"

#include "base/secret.h"
#include "terminal/text.h"

namespace mms::terminal {

std::string HtmlText(std::string_view text) {
  std::string out;
  for (const char c : Printable(ScrubSecrets(text))) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace mms::terminal
