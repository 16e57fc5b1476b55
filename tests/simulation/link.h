// A life's line to the world: one request at a time, answered or never. The virtual clock is shared
// memory, so that the world turns it and a life's waits move it on.
//
// Threads: Ask from any; Open before the first.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace mms::simulation {

class Link {
 public:
  /// The one of this process. `socket` is a SOCK_SEQPACKET, `clock_ms` since 1970.
  static void Open(int socket, std::atomic<int64_t>* clock_ms);
  static Link& Get();

  /// Ends the process when the world is gone.
  nlohmann::json Ask(const nlohmann::json& request);
  /// What must not be, seen on this side.
  void Violate(const std::string& what) { Ask({{"call", "violation"}, {"text", what}}); }

  int64_t now_ms() const { return clock_ms_->load(); }
  void Sleep(int64_t ms) { clock_ms_->fetch_add(ms); }

 private:
  int socket_ = -1;
  std::atomic<int64_t>* clock_ms_ = nullptr;
  std::mutex mutex_;
};

/// Both ends of it. nullopt = the other one is gone.
bool SendText(int socket, const std::string& text);
std::optional<std::string> ReceiveText(int socket);

}  // namespace mms::simulation
