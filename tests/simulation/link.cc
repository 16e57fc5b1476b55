#include "link.h"

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <ctime>

namespace mms::simulation {
namespace {

constexpr size_t kMessageMax = 256 * 1024;
constexpr int kWorldGone = 3;

Link link;  // NOLINT: one a process

}  // namespace

void Link::Open(int socket, std::atomic<int64_t>* clock_ms) {
  link.socket_ = socket;
  link.clock_ms_ = clock_ms;
}

Link& Link::Get() { return link; }

nlohmann::json Link::Ask(const nlohmann::json& request) {
  const std::lock_guard lock(mutex_);
  if (!SendText(socket_, request.dump())) _exit(kWorldGone);
  const auto answer = ReceiveText(socket_);
  if (!answer) _exit(kWorldGone);
  return nlohmann::json::parse(*answer);
}

bool SendText(int socket, const std::string& text) {
  return send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

std::optional<std::string> ReceiveText(int socket) {
  // Not of the thread: it would be cleared for each one that a life begins. One asks at a time.
  static std::array<char, kMessageMax> buffer;
  const ssize_t size = recv(socket, buffer.data(), buffer.size(), 0);
  if (size <= 0) return std::nullopt;
  return std::string(buffer.data(), static_cast<size_t>(size));
}

}  // namespace mms::simulation

/// Every sleep of the product is this one's: it moves the virtual clock on, and lets others run.
extern "C" int nanosleep(const timespec* asked, timespec* left) {
  constexpr int64_t kNanosOfMs = 1'000'000;
  mms::simulation::Link::Get().Sleep(asked->tv_sec * 1000 + asked->tv_nsec / kNanosOfMs);
  if (left != nullptr) *left = {};
  return sched_yield();
}
