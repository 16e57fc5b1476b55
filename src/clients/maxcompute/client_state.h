// What a Client keeps. Inside of clients/maxcompute only.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "clients/maxcompute/client.h"

namespace mms::maxcompute {

struct Client::State {
  State(Options given, std::shared_ptr<HttpClient> client)
      : options(std::move(given)), http(std::move(client)), keys(options.credentials) {}

  Options options;
  std::shared_ptr<HttpClient> http;
  KeyKeeper keys;
  std::atomic<bool> signs_plain{false};     // v4 was refused
  std::mutex mutex;                         // guards the rest
  std::string tunnel_endpoint;              // "" = not asked yet
  std::optional<std::string> logview_host;  // nullopt = not asked yet, "" = there is none
};

}  // namespace mms::maxcompute
