// Runs the service on a virtual clock against a world in which much goes wrong, once a seed, and
// checks what docs/guarantees.md promises. See docs/decisions/0026-simulation.md.
//
//   simulate [--seeds N] [--first N] [--seed N] [--jobs N] [--verbose]
#include <fcntl.h>
#include <malloc.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/time_zone.h"
#include "life.h"
#include "link.h"
#include "migration/ledger/database.h"
#include "scenario.h"
#include "watch.h"
#include "world.h"

namespace mms::simulation {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int64_t kNoon = 1'767'614'400'000;  // 2026-01-05 12:00:00 UTC
constexpr int kViolationsShown = 5;
constexpr size_t kRequestShown = 400;
constexpr unsigned kLifeMaxS = 60;  // real ones: a life that hangs is ended by SIGALRM

struct Options {
  int64_t seeds = 2'000;
  int64_t first = 1;
  /// Two a core: one waits while the other works.
  int jobs = static_cast<int>(2 * std::max(1U, std::thread::hardware_concurrency()));
  bool verbose = false;
};

/// Where state folders are made: in memory where there is such a place.
std::string RoomFor(uint64_t seed) {
  std::error_code failure;
  const fs::path shared = "/dev/shm";
  const fs::path room = fs::is_directory(shared, failure) && access(shared.c_str(), W_OK) == 0
                            ? shared
                            : fs::temp_directory_path();
  return room / ("mms-simulation-" + std::to_string(getpid()) + "-" + std::to_string(seed));
}

/// One seed, from its first life to its verdict.
class Run {
 public:
  Run(uint64_t seed, std::atomic<int64_t>* clock_ms, bool verbose)
      : clock_ms_(clock_ms),
        verbose_(verbose),
        world_(seed),
        scenario_(MakeScenario(world_.draw, world_.source)),
        watch_(world_, scenario_, *clock_ms),
        folder_(RoomFor(seed)) {}

  /// `prepared`: a copy of it is what the first life finds.
  /// {"violations": [...], "faults": {...}, "crashes", "lives", "turns", "commits", "requests"}
  json Do(const std::string& prepared) {
    clock_ms_->store(kNoon);
    fs::remove_all(folder_);
    fs::copy(prepared, folder_);
    for (size_t life = 0; life < scenario_.lives.size() && world_.violations.empty(); ++life) {
      watch_.BeginLife(life);
      LiveOnce(life);
    }
    if (world_.violations.empty() && !watch_.over()) world_.Violate("the last life did not end");
    fs::remove_all(folder_);
    return Told(world_.violations);
  }

  void Clear() const { fs::remove_all(folder_); }
  const std::string& asked() const { return asked_; }

  json Told(const std::vector<std::string>& violations) const {
    return {{"violations", violations},    {"faults", world_.faults},
            {"crashes", crashes_},         {"lives", scenario_.lives.size()},
            {"turns", watch_.turns()},     {"commits", world_.target.commits},
            {"requests", world_.requests}, {"points", points_}};
  }

 private:
  void LiveOnce(size_t life) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    // Without what libraries do about their threads: there are none here.
    const pid_t child = _Fork();
    if (child < 0) std::abort();
    if (child == 0) {
      close(ends[0]);
      Link::Open(ends[1], clock_ms_);
      const std::string& point = scenario_.lives[life].fault_point;
      if (!point.empty()) setenv("MMS_FAULT", point.c_str(), 1);
      alarm(kLifeMaxS);
      Live(folder_);
      _exit(0);  // whatever threads are left; there is none of ours
    }
    close(ends[1]);
    const bool killed = Attend(ends[0], child);
    close(ends[0]);
    int how = 0;
    waitpid(child, &how, 0);
    Judge(life, killed, how);
  }

  /// Answers until the life ends. Whether it was killed here.
  bool Attend(int socket, pid_t child) {
    while (const auto text = ReceiveText(socket)) {
      asked_ = *text;
      const json request = json::parse(*text);
      World::Reply reply;
      if (watch_.Takes(request)) {
        reply.answer = watch_.Respond(request);
      } else {
        reply = world_.Respond(request);
      }
      if (verbose_) {
        std::printf("%ld %s -> %s\n", clock_ms_->load(), text->c_str(),
                    reply.dies ? "DIES" : reply.answer.dump().c_str());
      }
      if (reply.dies) {
        kill(child, SIGKILL);
        return true;
      }
      SendText(socket, reply.answer.dump());
    }
    return false;
  }

  void Judge(size_t life, bool killed, int how) {
    const bool at_point = WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL && !killed;
    if (killed || at_point) ++crashes_;
    if (at_point) points_.push_back(scenario_.lives[life].fault_point);
    const bool rightly = killed || (at_point && !scenario_.lives[life].fault_point.empty());
    if (rightly || (WIFEXITED(how) && WEXITSTATUS(how) == 0)) return;
    const bool hung = WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM;
    world_.Violate("life " + std::to_string(life) +
                   (hung ? " hangs" : " ends by itself, wait status " + std::to_string(how)));
  }

  std::atomic<int64_t>* clock_ms_;
  const bool verbose_;
  World world_;
  Scenario scenario_;
  Watch watch_;
  std::string folder_;
  std::string asked_;  ///< last
  int64_t crashes_ = 0;
  std::vector<std::string> points_;
};

std::atomic<int64_t>* MakeClock() {
  void* const page = mmap(nullptr, sizeof(std::atomic<int64_t>), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) std::abort();
  return new (page) std::atomic<int64_t>(kNoon);
}

/// Where the watching side itself stumbles nothing is known of the product: the seed is not judged.
json RunOne(uint64_t seed, std::atomic<int64_t>* clock, const std::string& prepared, bool verbose) {
  Run run(seed, clock, verbose);
  try {
    return run.Do(prepared);
  } catch (const std::exception& thrown) {
    run.Clear();
    json told = run.Told({});
    told["not_judged"] = thrown.what() + (" at " + run.asked().substr(0, kRequestShown));
    return told;
  }
}

/// A service's empty folder, made once: its schema costs a seed more than most of what it does.
std::string MakePrepared(int64_t share) {
  const std::string folder = RoomFor(static_cast<uint64_t>(share)) + "-prepared";
  const pid_t child = fork();  // a service has threads, and forks are made where there are none
  if (child < 0) std::abort();
  if (child == 0) _exit(Prepare(folder) ? 0 : 1);
  int how = 0;
  waitpid(child, &how, 0);
  if (how != 0) std::abort();
  return folder;
}

/// A life and its watcher take turns: on one processor neither waits for another to wake up.
void StayOnOneCpu(int64_t share) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int64_t place = share % CPU_COUNT(&allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || place-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

/// Every `jobs`-th seed, from `first` on; a line of JSON each on `out`.
void RunShare(const Options& options, int64_t first, int out) {
  StayOnOneCpu(first);
  std::atomic<int64_t>* const clock = MakeClock();
  const std::string prepared = MakePrepared(first);
  for (int64_t seed = first; seed < options.first + options.seeds; seed += options.jobs) {
    json told = RunOne(static_cast<uint64_t>(seed), clock, prepared, options.verbose);
    told["seed"] = seed;
    const std::string line = told.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    if (write(out, line.data(), line.size()) < 0) break;
  }
  fs::remove_all(prepared);
}

/// SQLite's locks between processes: only one, the life, has the files open, and its connections
/// keep to locks that SQLite has in memory beside these.
int LockAlone(int file, int command, void* argument) {
  if (command == F_SETLK || command == F_SETLKW) return 0;
  if (command == F_GETLK) {
    static_cast<struct flock*>(argument)->l_type = F_UNLCK;
    return 0;
  }
  return fcntl(file, command, argument);
}

void TakeLocksInMemoryAlone() {
  using namespace sqlite_api;
  sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  if (vfs == nullptr || vfs->xSetSystemCall == nullptr) return;
  vfs->xSetSystemCall(vfs, "fcntl", reinterpret_cast<sqlite3_syscall_ptr>(LockAlone));
}

/// What else each life would find out for itself: how keys are read.
bool ReadAKey() {
  EVP_PKEY* const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  BIO* const text = BIO_new(BIO_s_mem());
  bool read = false;
  if (PEM_write_bio_PrivateKey(text, key, nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
      PEM_write_bio_PUBKEY(text, key) == 1) {
    EVP_PKEY* const secret = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
    EVP_PKEY* const shown = PEM_read_bio_PUBKEY(text, nullptr, nullptr, nullptr);
    read = secret != nullptr && shown != nullptr;
    EVP_PKEY_free(secret);
    EVP_PKEY_free(shown);
  }
  BIO_free(text);
  EVP_PKEY_free(key);
  return read;
}

/// Starts again with what only a process's first steps read: names of libraries are bound now, not
/// by each life, Arrow does not set up an allocator of its own, and a thread keeps what it frees.
void StartBound(char** arguments) {
  if (getenv("LD_BIND_NOW") != nullptr) return;
  setenv("LD_BIND_NOW", "1", 1);
  setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 1);
  setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=2000:glibc.malloc.tcache_max=8192", 0);
  execv("/proc/self/exe", arguments);
}

struct Sums {
  int64_t seeds = 0, not_judged = 0, lives = 0, crashes = 0, turns = 0, commits = 0, requests = 0;
  std::map<std::string, int64_t> faults;
  std::set<std::string> points;
  std::vector<json> failed;

  void Add(const json& told) {
    ++seeds;
    lives += told["lives"].get<int64_t>();
    crashes += told["crashes"].get<int64_t>();
    turns += told["turns"].get<int64_t>();
    commits += told["commits"].get<int64_t>();
    requests += told["requests"].get<int64_t>();
    for (const auto& [name, count] : told["faults"].items()) faults[name] += count.get<int64_t>();
    for (const std::string point : told["points"]) points.insert(point.substr(0, point.find(':')));
    if (told.contains("not_judged")) {
      ++not_judged;
      std::printf("seed %s not judged: %s\n", told["seed"].dump().c_str(),
                  told["not_judged"].dump().c_str());
    }
    if (told["violations"].empty()) return;
    failed.push_back(told);
    Show(told);
  }

  static void Show(const json& told) {
    const std::string seed = told["seed"].dump();
    std::printf("seed %s FAILED; again: make simulate SEED=%s\n", seed.c_str(), seed.c_str());
    int shown = 0;
    for (const std::string what : told["violations"]) {
      if (++shown <= kViolationsShown) std::printf("  %s\n", what.c_str());
    }
    std::fflush(stdout);
  }
};

/// The shares side by side, each in a process of its own: forks are made where no thread is.
Sums RunAll(const Options& options) {
  Sums sums;
  std::vector<pid_t> shares;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
  for (int share = 0; share < options.jobs; ++share) {
    const pid_t child = fork();
    if (child < 0) std::abort();
    if (child == 0) {
      close(ends[0]);
      RunShare(options, options.first + share, ends[1]);
      _exit(0);
    }
    shares.push_back(child);
  }
  close(ends[1]);
  std::FILE* const lines = fdopen(ends[0], "r");
  char* line = nullptr;
  size_t size = 0;
  while (getline(&line, &size, lines) > 0) {
    const json told = json::parse(line);
    sums.Add(told);
  }
  std::free(line);
  std::fclose(lines);
  for (const pid_t share : shares) waitpid(share, nullptr, 0);
  return sums;
}

int Main(const Options& options) {
  const auto begun = std::chrono::steady_clock::now();
  const Sums sums = RunAll(options);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf(
      "%ld seeds, %zu failed, %.1f s; %ld lives, %ld crashes at %zu named points and elsewhere, "
      "%ld turns, %ld commits, %ld requests\nfaults:",
      sums.seeds, sums.failed.size(), took.count(), sums.lives, sums.crashes, sums.points.size(),
      sums.turns, sums.commits, sums.requests);
  for (const auto& [name, count] : sums.faults) std::printf(" %s %ld;", name.c_str(), count);
  std::printf("\n");
  if (sums.seeds != options.seeds) {
    std::printf("only %ld of %ld seeds came to an end\n", sums.seeds, options.seeds);
    return 1;
  }
  // One in a hundred at most.
  if (sums.not_judged * 100 > options.seeds) return 1;
  return sums.failed.empty() ? 0 : 1;
}

}  // namespace
}  // namespace mms::simulation

int main(int count, char** arguments) {
  mms::simulation::StartBound(arguments);
  mallopt(M_ARENA_MAX,
          1);  // a life has a hundred threads, and ends before an arena each is worth it
  // Of a connection only one thread at a time, and no accounts of memory, which all would share.
  using namespace sqlite_api;
  sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  // No memory ahead of need: a life has many connections, each to a small file.
  sqlite3_config(SQLITE_CONFIG_PAGECACHE, nullptr, 0, 0);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  mms::simulation::TakeLocksInMemoryAlone();
  mallopt(M_TOP_PAD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  // Read and set up once, not by each life.
  if (!mms::FindZone("UTC") || !mms::simulation::ReadAKey()) return 1;
  for (const char* cipher : {"AES-256-GCM"})
    EVP_CIPHER_free(EVP_CIPHER_fetch(nullptr, cipher, nullptr));
  for (const char* digest : {"SHA1", "SHA256"}) EVP_MD_free(EVP_MD_fetch(nullptr, digest, nullptr));
  mms::simulation::Options options;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (name == "--verbose") {
      options.verbose = true;
      continue;
    }
    if (i + 1 == count) return 2;
    const long value = std::atol(arguments[++i]);
    if (name == "--seeds") options.seeds = value;
    if (name == "--first") options.first = value;
    if (name == "--jobs") options.jobs = static_cast<int>(value);
    if (name == "--seed") {
      options.first = value;
      options.seeds = options.jobs = 1;
    }
  }
  return mms::simulation::Main(options);
}
