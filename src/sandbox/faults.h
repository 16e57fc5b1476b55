// Failures on order: rules that make the sandbox refuse, delay, cut or lose calls, so that a client
// can be tried against what a real service does on a bad day. Rules come as JSON, from a file at
// the start and by POST /mms/faults at any time (docs/sandbox.md has the form).
//
// Thread-safe. Errors: kInvalidInput SANDBOX_FAULTS names the rule and the key.
#pragma once

#include <condition_variable>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/http_server.h"
#include "sandbox/target.h"

namespace mms::sandbox {

/// What is done to one call; the members that are set apply together.
struct Fault {
  int status = 0;                ///< refuse with this HTTP status
  std::string code;              ///< with this code; "" = the usual one of the status
  int64_t retry_after_s = -1;    ///< header Retry-After; -1 = none
  int64_t hold_ms = -1;          ///< HoldClientMillis in the body; -1 = none
  int64_t cut_after_bytes = -1;  ///< of the body that carries rows, else of the answer
  bool drop_answer = false;      ///< the call is done, its answer never arrives
  bool session_gone = false;     ///< the session it names does not exist from now on
  bool key_gone = false;         ///< its key has expired: no call with it succeeds from now on
  int64_t initiating_ms = 0;     ///< the download session it makes is not ready so long
  int64_t delay_ms = 0;          ///< before anything else
};

class Faults {
 public:
  /// Replaces all rules, counts, lost sessions and expired keys.
  Status Set(const std::string& json_text);

  /// The fault of this call, if one is due: counted, and told in one line on stderr.
  std::optional<Fault> Next(const Call& call, const Target& target);
  /// Whether the session that the call names was made to be gone.
  bool IsGone(const Call& call, const Target& target);
  /// The user's key expires.
  void ExpireKey(const std::string& user);
  /// Whether it has, for calls other than those to rules and counters.
  bool IsExpired(const std::string& user, const Target& target);

  /// Sleeps, unless EndDelays was or is called: a sandbox that stops does not wait for its faults.
  void Delay(int64_t ms);
  void EndDelays();

  /// The rules as given, each with "seen" (calls that matched) and "fired".
  nlohmann::json Describe();

 private:
  struct Rule {
    std::string text;  ///< JSON as given
    CallName call = CallName::kUnknown;
    bool any_call = false;
    std::string object;  ///< of this table or instance only; "" = any
    std::string coding;  ///< by this Content- or Accept-Encoding only; "" = any
    int64_t nth = 0;
    int64_t every = 0;
    double probability = -1;
    std::mt19937_64 random;
    int64_t times = -1;  ///< -1 = without end
    Fault fault;
    int64_t seen = 0;
    int64_t fired = 0;
  };

  static Status ReadWhen(const nlohmann::json& json, Rule* rule);
  static Status ReadFault(const nlohmann::json& json, Fault* fault);
  static Result<Rule> ReadRule(const nlohmann::json& json);
  static bool IsDue(Rule* rule);

  std::mutex mutex_;
  std::condition_variable ended_;
  bool no_delays_ = false;
  std::vector<Rule> rules_;
  std::set<std::string> gone_;
  std::set<std::string> expired_;  ///< users
};

/// The id of the session or instance a call names; "" = none.
std::string SessionOf(const Call& call, const Target& target);

/// The answer of a refusing fault. `tunnel`: JSON, else XML.
Answer FaultAnswer(const Fault& fault, bool tunnel, const std::string& request_id);

/// A request body that ends with a cut connection after some bytes.
class CutSource : public ByteSource {
 public:
  CutSource(ByteSource* source, HttpResponder* connection, int64_t bytes)
      : source_(source), connection_(connection), left_(bytes) {}
  Result<size_t> Read(void* buffer, size_t size) override;

 private:
  ByteSource* source_;
  HttpResponder* connection_;
  int64_t left_;
};

/// An answer that ends with a cut connection after some bytes of its body; 0 with `whole` = before
/// its first byte.
class CutResponder : public HttpResponder {
 public:
  CutResponder(HttpResponder* responder, int64_t bytes, bool whole)
      : responder_(responder), left_(bytes), whole_(whole) {}
  Status Send(int status, const HttpHeaders& headers, std::string_view body) override;
  Status Start(int status, const HttpHeaders& headers) override;
  Status Write(const void* data, size_t size) override;
  Status Finish() override;
  void Abort() override { responder_->Abort(); }
  bool started() const override { return dropped_ || responder_->started(); }

 private:
  HttpResponder* responder_;
  int64_t left_;
  bool whole_;
  bool dropped_ = false;
};

}  // namespace mms::sandbox
