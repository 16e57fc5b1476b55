#include "sandbox/sandbox.h"

#include <malloc.h>

#include <csignal>
#include <cstdio>

#include "base/http_server.h"
#include "sandbox/server.h"

namespace mms::sandbox {
namespace {

constexpr int kDrainMs = 5'000;
constexpr int64_t kUploadSeconds = 24 * 3600;

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
  if (options.access_key_id.empty() || options.access_key_secret.empty()) {
    return BadOption(
        "an access key id and secret are needed (--access-key-id, "
        "--access-key-secret env:NAME); any values do");
  }
  return OkStatus();
}

}  // namespace

Status Run(const Options& options) {
  TRY_VOID(CheckOptions(options));
  TRY(auto address, ParseHostPort(options.listen));
  // Many handler threads, each with little to keep: a heap per thread would only hold memory.
  mallopt(M_ARENA_MAX, 2);
  SignalHold signals;
  TRY(auto storage, Storage::Open(options.data_dir));
  TRY(auto catalog, Catalog::Open(options.data_dir));
  for (const std::string& project : options.projects) {
    TRY_VOID(catalog->EnsureProject(LowerName(project)));
  }
  TRY(auto expired, catalog->ExpireUploads(kUploadSeconds));
  storage->Retire(expired);
  TRY(auto live, catalog->LivePaths());
  TRY_VOID(storage->Sweep(live));
  Server server(catalog.get(), storage.get(),
                {options.access_key_id, options.access_key_secret, options.security_token});
  HttpServerOptions http;
  http.host = address.first;
  http.port = address.second;
  http.handler_threads = 32;
  TRY(auto listener, HttpServer::Start(http, [&](ServerRequest& request, HttpResponder& responder) {
        server.Handle(request, responder);
      }));
  std::printf("mms sandbox ready at http://%s:%u (project %s, data %s)\n", address.first.c_str(),
              static_cast<unsigned>(listener->port()), LowerName(options.projects[0]).c_str(),
              options.data_dir.c_str());
  std::fflush(stdout);
  int signal = signals.Wait();
  std::fprintf(stderr, "mms sandbox: signal %d, stopping\n", signal);
  listener->Stop(kDrainMs);
  return OkStatus();
}

}  // namespace mms::sandbox
