#include "base/secret.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>
#include <vector>

#include "base/http_client.h"

namespace mms {
namespace {

constexpr size_t kShortestScrubbed = 6;
constexpr size_t kShortestBase64 = 8;
constexpr std::string_view kHidden = "***";

struct Known {
  std::mutex mutex;
  std::vector<std::string> values;
};

Known& KnownSecrets() {
  static Known* known = new Known;  // never destroyed: errors may be printed while statics die
  return *known;
}

/// "%2F" as "%2f": some libraries encode with small letters.
std::string WithSmallEscapes(std::string text) {
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] != '%') continue;
    for (size_t k = i + 1; k <= i + 2; ++k) {
      text[k] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[k])));
    }
  }
  return text;
}

std::string Base64(const std::string& text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

/// What of the value is the same in the base64 of whatever holds it, as "user:password" of an
/// Authorization: one for each of the three places of a group that it may begin at.
std::vector<std::string> Base64Cores(const std::string& value) {
  std::vector<std::string> cores;
  for (const size_t before : {0UL, 1UL, 2UL}) {
    std::string core = Base64(std::string(before, ' ') + value);
    const size_t bits = 8 * (before + value.size());
    core.resize(bits / 6);                // the last character may hold of what follows
    core.erase(0, (8 * before + 5) / 6);  // and the first of what comes before
    if (core.size() >= kShortestBase64) cores.push_back(std::move(core));
  }
  return cores;
}

void Remember(const std::string& value) {
  if (value.size() < kShortestScrubbed) return;
  Known& known = KnownSecrets();
  std::lock_guard lock(known.mutex);
  const std::string encoded = UrlEncode(value);
  std::vector<std::string> forms = Base64Cores(value);
  for (std::string& core : Base64Cores(value)) {
    std::replace(core.begin(), core.end(), '+', '-');
    std::replace(core.begin(), core.end(), '/', '_');
    forms.push_back(std::move(core));
  }
  forms.insert(forms.end(), {value, encoded, WithSmallEscapes(encoded)});
  for (const std::string& form : forms) {
    if (std::find(known.values.begin(), known.values.end(), form) == known.values.end()) {
      known.values.push_back(form);
    }
  }
  std::sort(known.values.begin(), known.values.end(),
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Case-insensitive find of `word` (small letters) from `at`.
size_t FindWord(std::string_view text, std::string_view word, size_t at) {
  const auto found =
      std::search(text.begin() + static_cast<std::ptrdiff_t>(std::min(at, text.size())), text.end(),
                  word.begin(), word.end(), [](char a, char b) { return Lower(a) == b; });
  return found == text.end() ? std::string_view::npos : static_cast<size_t>(found - text.begin());
}

/// What comes before a value that must be hidden, and where that value ends.
struct Marker {
  std::string_view word;       ///< small letters
  std::string_view ends;       ///< besides control characters
  bool at_word_start = false;  ///< the character before is not a letter, digit or '_'
};

// By hand and not std::regex: libstdc++'s matcher recurses once per character and an answer of some
// 100 KiB overflows the stack.
constexpr std::array kMarkers = {
    Marker{"sig=", "&;'\"<> ", true},
    Marker{"signature=", "&;'\"<> ", true},
    Marker{"sas_token=", "&;'\"<> ", true},
    Marker{"access_token=", "&;'\"<> ", true},
    Marker{"token=", "&;'\"<> ", true},
    Marker{"bearer ", "'\"<>, ", true},
    Marker{"authorization-sts-token: ", "'\"<>, ", false},
    Marker{"x-odps-bearer-token: ", "'\"<>, ", false},
    Marker{"token\":\"", "\"", false},
    Marker{"token\": \"", "\"", false},
    Marker{"authorization: odps ", "'\"<>, ", false},
    Marker{"authorization: basic ", "'\"<>, ", false},
};

bool StartsWord(std::string_view text, size_t at) {
  if (at == 0) return true;
  const unsigned char before = static_cast<unsigned char>(text[at - 1]);
  return std::isalnum(before) == 0 && before != '_';
}

void HideAfter(std::string& text, const Marker& marker) {
  size_t at = 0;
  while ((at = FindWord(text, marker.word, at)) != std::string::npos) {
    const size_t from = at + marker.word.size();
    if (marker.at_word_start && !StartsWord(text, at)) {
      at = from;
      continue;
    }
    size_t to = from;
    while (to < text.size() && static_cast<unsigned char>(text[to]) >= ' ' &&
           marker.ends.find(text[to]) == std::string_view::npos) {
      ++to;
    }
    // "bearer of news" stays; a token has six characters and more.
    if (to - from < kShortestScrubbed) {
      at = from;
      continue;
    }
    text.replace(from, to - from, kHidden);
    at = from + kHidden.size();
  }
}

/// "ODPS <key id>:<signature>" as MaxCompute's clients write it.
void HideOdpsSignature(std::string& text) {
  constexpr std::string_view kScheme = "ODPS ";
  size_t at = 0;
  while ((at = text.find(kScheme, at)) != std::string::npos) {
    const size_t from = at + kScheme.size();
    const size_t to = std::min(text.find_first_of(" \t\r\n'\"<>,", from), text.size());
    const size_t colon = text.find(':', from);
    const bool signature = colon < to && to - colon > 20;
    if (signature) text.replace(from, to - from, kHidden);
    at = from;
  }
}

Error Unreadable(const std::string& setting, const std::string& path) {
  return Error(ErrorKind::kInvalidInput, "SECRET_UNREADABLE",
               setting + ": cannot read a value from file " + path +
                   "; check that it exists, is not empty and is readable by this user");
}

}  // namespace

Secret::Secret(std::string value) : value_(std::move(value)) { Remember(value_); }

Result<Secret> ResolveSecret(std::string_view reference, std::string_view what) {
  const std::string setting(what);
  if (reference.starts_with("env:")) {
    const std::string name(reference.substr(4));
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') {
      return Error(
          ErrorKind::kInvalidInput, "SECRET_NOT_SET",
          setting + ": environment variable " + name + " is not set; export it and run again");
    }
    return Secret(value);
  }
  if (reference.starts_with("file:")) {
    const std::string path(reference.substr(5));
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    std::string value = text.str();
    if (!file) return Unreadable(setting, path);
    if (value.ends_with('\n')) value.pop_back();
    if (value.ends_with('\r')) value.pop_back();
    if (value.empty()) return Unreadable(setting, path);
    return Secret(std::move(value));
  }
  return Error(
      ErrorKind::kInvalidInput, "SECRET_LITERAL",
      setting + ": a secret must not stand in the file; write env:NAME or file:PATH instead");
}

std::string ScrubSecrets(std::string_view text) {
  std::string out(text);
  Known& known = KnownSecrets();
  {
    std::lock_guard lock(known.mutex);
    for (const std::string& value : known.values) {
      for (size_t at = 0; (at = out.find(value, at)) != std::string::npos; at += kHidden.size()) {
        out.replace(at, value.size(), kHidden);
      }
    }
  }
  for (const Marker& marker : kMarkers) HideAfter(out, marker);
  HideOdpsSignature(out);
  return out;
}

}  // namespace mms
