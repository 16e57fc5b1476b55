#include "terminal/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/result.h"
#include "terminal/exit_code.h"

namespace mms::terminal {
namespace {

// What a signal handler may touch: lock-free atomics and a pipe.
std::atomic<int> caught{0};
std::atomic<int> wake_fd{-1};
int wake_read_fd = -1;
struct sigaction before_int, before_term;

constexpr char kSignal = 's';
constexpr char kEnd = 'e';

void OnSignal(int) {
  const int saved_errno = errno;
  const int fd = wake_fd.load();
  if (fd < 0 || caught.fetch_add(1) > 0) _exit(static_cast<int>(ExitCode::kInterrupted));
  // The pipe is empty before this one byte, so the write can neither block nor fail.
  if (write(fd, &kSignal, 1) != 1) _exit(static_cast<int>(ExitCode::kInterrupted));
  errno = saved_errno;
}

void Install() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  CHECK(sigaction(SIGINT, &action, &before_int) == 0);
  CHECK(sigaction(SIGTERM, &action, &before_term) == 0);
}

}  // namespace

Interrupt::Interrupt(std::function<void()> on_first) : on_first_(std::move(on_first)) {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  wake_read_fd = ends[0];
  caught = 0;
  wake_fd = ends[1];
  thread_ = std::thread([this] {
    char byte = 0;
    while (read(wake_read_fd, &byte, 1) < 0 && errno == EINTR) {
    }
    if (byte == kSignal) on_first_();
  });
  Install();
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &before_int, nullptr);
  sigaction(SIGTERM, &before_term, nullptr);
  const int fd = wake_fd.exchange(-1);
  CHECK(write(fd, &kEnd, 1) == 1);  // at most one byte stands before it
  thread_.join();
  close(fd);
  close(wake_read_fd);
}

bool Interrupt::Caught() const { return caught.load() > 0; }

void ExitOnInterrupt() { Install(); }

}  // namespace mms::terminal
