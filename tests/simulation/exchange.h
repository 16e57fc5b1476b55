// An HTTP call as it crosses from a life (the process under test) to the world that answers it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace mms::simulation {

/// Of a call: where it goes, taken apart.
struct Asked {
  std::string method;
  std::string host;
  std::string path;
  std::map<std::string, std::string> query;
  std::string body;

  bool Has(const char* key) const { return query.contains(key); }
  std::string Get(const char* key) const {
    const auto at = query.find(key);
    return at == query.end() ? "" : at->second;
  }
  /// What follows the last slash of the path.
  std::string Last() const { return path.substr(path.rfind('/') + 1); }
};

struct Answer {
  int status = 200;
  std::map<std::string, std::string> headers = {};  ///< names in lower case
  std::string body = {};
};

/// `url` and `method` of a request.
Asked ParseAsked(const nlohmann::json& request);

}  // namespace mms::simulation
