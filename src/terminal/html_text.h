// Text from outside as text of an HTML page. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mms::terminal {

/// For content and for attributes in double quotes: secrets and control characters out, markup
/// escaped.
std::string HtmlText(std::string_view text);

}  // namespace mms::terminal
