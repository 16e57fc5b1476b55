#include "clients/maxcompute/credentials.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

extern char** environ;

namespace mms::maxcompute {
namespace {

using std::chrono::system_clock;

constexpr std::chrono::minutes kRenewBefore{10};
constexpr std::chrono::seconds kRenewPause{30};
constexpr std::chrono::seconds kCommandTimeout{60};
constexpr size_t kKeyMaxBytes = 64 * 1024;

Error Bad(const std::string& what) { return Error(ErrorKind::kDenied, "ODPS_CREDENTIALS", what); }

std::string Text(const nlohmann::json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

std::optional<system_clock::time_point> ParseUtc(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr || (*end != 'Z' && *end != '\0' && *end != '.')) return std::nullopt;
  return system_clock::from_time_t(timegm(&parts));
}

/// What a child writes until it closes its end.
Result<std::string> ReadAll(int pipe, const std::string& command) {
  const auto deadline = std::chrono::steady_clock::now() + kCommandTimeout;
  std::string text;
  std::array<char, 4096> buffer;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wanted{pipe, POLLIN, 0};
    const int ready = left.count() <= 0 ? 0 : poll(&wanted, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Bad("'" + command + "' gave no key within a minute");
    const ssize_t size = read(pipe, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(size));
    if (text.size() > kKeyMaxBytes) return Bad("'" + command + "' printed more than a key");
  }
}

Result<AccessKey> RunCommand(const std::string& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Bad("no pipe for '" + command + "'");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  std::string shell = "sh", flag = "-c", text = command;
  char* const arguments[] = {shell.data(), flag.data(), text.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawn(&child, "/bin/sh", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed != 0) {
    close(ends[0]);
    return Bad("'" + command + "' could not be started");
  }
  Result<std::string> printed = ReadAll(ends[0], command);
  close(ends[0]);
  if (!printed) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!printed) return std::move(printed).error();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Bad("'" + command + "' ended with status " + std::to_string(WEXITSTATUS(status)));
  }
  Result<AccessKey> key = ParseKey(*printed);
  if (!key) return std::move(key).error().At("output of '" + command + "'");
  return key;
}

KeyProvider ProviderOf(const Credentials& credentials) {
  if (!credentials.key_command.empty()) return FromCommand(credentials.key_command);
  if (!credentials.key_file.empty()) return FromFile(credentials.key_file);
  return nullptr;
}

}  // namespace

Result<AccessKey> ParseKey(const std::string& text) {
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return Bad("not a JSON object with AccessKeyId and AccessKeySecret");
  AccessKey key;
  key.id = Text(object, "AccessKeyId");
  key.secret = Secret(Text(object, "AccessKeySecret"));
  key.security_token = Secret(Text(object, "SecurityToken"));
  key.bearer_token = Secret(Text(object, "BearerToken"));
  if (key.bearer_token.empty() && (key.id.empty() || key.secret.empty())) {
    return Bad("AccessKeyId, AccessKeySecret or BearerToken is missing");
  }
  const std::string expiration = Text(object, "Expiration");
  if (!expiration.empty()) {
    key.expires = ParseUtc(expiration);
    if (!key.expires) return Bad("Expiration is not of the form 2026-01-01T12:00:00Z");
  }
  return key;
}

KeyProvider FromCommand(std::string command) {
  return [command = std::move(command)] { return RunCommand(command); };
}

KeyProvider FromFile(std::string path) {
  return [path = std::move(path)]() -> Result<AccessKey> {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!(text << file.rdbuf())) return Bad("key file " + path + " cannot be read");
    Result<AccessKey> key = ParseKey(text.str());
    if (!key) return std::move(key).error().At("key file " + path);
    return key;
  };
}

KeyKeeper::KeyKeeper(const Credentials& credentials)
    : KeyKeeper(credentials, ProviderOf(credentials)) {}

KeyKeeper::KeyKeeper(const Credentials& credentials, KeyProvider provider)
    : provider_(std::move(provider)) {
  key_.id = credentials.access_key_id;
  key_.secret = credentials.access_key_secret;
  key_.security_token = credentials.security_token;
  key_.bearer_token = credentials.bearer_token;
  known_ = !provider_;
}

Status KeyKeeper::Renew() {
  TRY(key_, provider_());
  known_ = true;
  return OkStatus();
}

Result<AccessKey> KeyKeeper::Get(system_clock::time_point now) {
  std::lock_guard lock(mutex_);
  const bool stale = !known_ || (key_.expires && now >= *key_.expires - kRenewBefore);
  if (!provider_ || !stale) return key_;
  // Keys that live for minutes only are not asked for with every call.
  const bool lives = known_ && now < *key_.expires;
  if (lives && now < tried_ + kRenewPause) return key_;
  tried_ = now;
  Status renewed = Renew();
  if (renewed) return key_;
  return lives ? Result<AccessKey>(key_) : std::move(renewed).error();
}

bool KeyKeeper::Refused(const AccessKey& key) {
  std::lock_guard lock(mutex_);
  if (!provider_) return false;
  const auto differs = [&] {
    return key_.id != key.id || key_.secret.Reveal() != key.secret.Reveal() ||
           key_.security_token.Reveal() != key.security_token.Reveal() ||
           key_.bearer_token.Reveal() != key.bearer_token.Reveal();
  };
  // Another thread may have renewed it meanwhile.
  return differs() || (Renew() && differs());
}

}  // namespace mms::maxcompute
