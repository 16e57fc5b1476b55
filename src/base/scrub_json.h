// ScrubSecrets for a JSON document: each string by itself, not the text of the document, where
// escapes would hide a secret and a cut would break the JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/secret.h"

namespace mms {

/// `Json`: nlohmann's, ordered or not.
template <class Json>
void ScrubStrings(Json& value) {
  if (value.is_string()) {
    value = ScrubSecrets(value.template get_ref<const std::string&>());
  } else if (value.is_structured()) {
    for (auto& item : value) ScrubStrings(item);
  }
}

}  // namespace mms
