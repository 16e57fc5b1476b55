#include "sandbox/sandbox.h"

#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "base/http_server.h"
#include "sandbox/server.h"

namespace mms::sandbox {
namespace {

constexpr int kDrainMs = 5'000;
constexpr int kHandlerThreads = 32;
/// Beyond the slots, so that one request too many is refused instead of waiting for a thread.
constexpr int kSpareThreads = 8;

/// SIGTERM and SIGINT wait for sigwait instead of ending the process, in this and every later
/// thread.
class SignalHold {
 public:
  SignalHold() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~SignalHold() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalHold(const SignalHold&) = delete;
  SignalHold& operator=(const SignalHold&) = delete;
  int Wait() {
    int signal = 0;
    sigwait(&set_, &signal);
    return signal;
  }

 private:
  sigset_t set_;
  sigset_t before_;
};

Error BadOption(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "SANDBOX_OPTIONS", what);
}

Status CheckOptions(const Options& options) {
  if (options.projects.empty()) return BadOption("name at least one project (--project)");
  for (const std::string& project : options.projects) {
    if (!CheckTableName(project)) {
      return BadOption("'" + project +
                       "' is not a project name: a letter, then letters, digits "
                       "and underscores");
    }
  }
  if (options.users.empty()) {
    return BadOption(
        "an access key is needed (--access-key-id ID --access-key-secret env:NAME; any values "
        "do), or --users FILE");
  }
  return OkStatus();
}

}  // namespace

Status Run(const Options& options) {
  TRY_VOID(CheckOptions(options));
  TRY(Users users, Users::Make(options.users));
  TRY(auto address, ParseHostPort(options.listen));
  // Many handler threads, each with little to keep: a heap per thread would only hold memory.
  mallopt(M_ARENA_MAX, 2);
  SignalHold signals;
  TRY(auto storage, Storage::Open(options.data_dir));
  TRY(auto catalog, Catalog::Open(options.data_dir));
  for (const std::string& project : options.projects) {
    TRY_VOID(catalog->EnsureProject(LowerName(project)));
  }
  for (const std::string& project : options.flat_projects) {
    TRY_VOID(catalog->EnsureProject(LowerName(project), true));
  }
  TRY(auto expired, catalog->ExpireUploads(options.session_s));
  storage->Retire(expired);
  TRY(auto instances, InstanceStore::Open(options.data_dir));
  TRY(auto live, catalog->LivePaths());
  TRY(auto results, instances->ResultPaths());
  live.insert(live.end(), results.begin(), results.end());
  TRY_VOID(storage->Sweep(live));
  Server server(catalog.get(), storage.get(), instances.get(),
                {std::move(users), options.limits, options.session_s});
  if (!options.faults_json.empty()) TRY_VOID(server.SetFaults(options.faults_json));
  HttpServerOptions http;
  http.host = address.first;
  http.port = address.second;
  http.handler_threads = kHandlerThreads;
  http.refusal = Server::RefuseHeader;
  if (options.limits.enforce) {
    http.handler_threads = std::max(kHandlerThreads, options.limits.slots + kSpareThreads);
  }
  TRY(auto listener, HttpServer::Start(http, [&](ServerRequest& request, HttpResponder& responder) {
        server.Handle(request, responder);
      }));
  std::printf("mms sandbox ready at http://%s:%u (project %s, data %s)\n", address.first.c_str(),
              static_cast<unsigned>(listener->port()), LowerName(options.projects[0]).c_str(),
              options.data_dir.c_str());
  std::fflush(stdout);
  int signal = signals.Wait();
  std::fprintf(stderr, "mms sandbox: signal %d, stopping\n", signal);
  server.EndDelays();
  listener->Stop(kDrainMs);
  return OkStatus();
}

}  // namespace mms::sandbox
