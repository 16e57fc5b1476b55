#include "sandbox/recycling_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace mms::sandbox {
namespace {

/// What an allocation of no bytes points to: Arrow wants it non-null.
alignas(64) uint8_t nothing[64];

}  // namespace

RecyclingPool* RecyclingPool::Get() {
  static auto* pool = new RecyclingPool();
  return pool;
}

RecyclingPool::~RecyclingPool() {
  for (size_t i = 0; i < kClasses; ++i) {
    for (uint8_t* piece : free_[i]) ::munmap(piece, static_cast<size_t>(kSmallestBytes << i));
  }
}

/// kClasses = the C heap.
size_t RecyclingPool::ClassOf(int64_t size) {
  if (size <= kSmallestBytes / 2) return kClasses;
  size_t index = 0;
  while (index < kClasses && (kSmallestBytes << index) < size) ++index;
  return index;
}

void RecyclingPool::Count(int64_t change) {
  int64_t now = in_use_ += change;
  if (change > 0) {
    total_ += change;
    ++count_;
    int64_t peak = peak_;
    while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
    }
  }
}

arrow::Status RecyclingPool::Allocate(int64_t size, int64_t alignment, uint8_t** out) {
  if (size < 0) return arrow::Status::Invalid("negative size");
  if (size == 0) {
    *out = nothing;
    return arrow::Status::OK();
  }
  // A length out of a hostile message; no honest batch is near it.
  if (size > kLargestBytes) return arrow::Status::OutOfMemory(size, " bytes in one piece");
  size_t index = ClassOf(size);
  if (index == kClasses) {
    void* piece = nullptr;
    auto wanted = static_cast<size_t>(std::max<int64_t>(alignment, 64));
    if (::posix_memalign(&piece, wanted, static_cast<size_t>(size)) != 0) {
      return arrow::Status::OutOfMemory("no ", size, " bytes of memory");
    }
    *out = static_cast<uint8_t*>(piece);
    Count(size);
    return arrow::Status::OK();
  }
  int64_t class_size = kSmallestBytes << index;
  {
    std::lock_guard lock(mutex_);
    if (!free_[index].empty()) {
      *out = free_[index].back();
      free_[index].pop_back();
      kept_ -= class_size;
      Count(size);
      return arrow::Status::OK();
    }
  }
  void* piece = ::mmap(nullptr, static_cast<size_t>(class_size), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (piece == MAP_FAILED) return arrow::Status::OutOfMemory("no ", size, " bytes of memory");
  *out = static_cast<uint8_t*>(piece);
  Count(size);
  return arrow::Status::OK();
}

arrow::Status RecyclingPool::Reallocate(int64_t old_size, int64_t new_size, int64_t alignment,
                                        uint8_t** buffer) {
  size_t index = ClassOf(new_size);
  if (old_size > 0 && new_size > 0 && index < kClasses && index == ClassOf(old_size)) {
    Count(new_size - old_size);
    return arrow::Status::OK();
  }
  uint8_t* moved = nullptr;
  ARROW_RETURN_NOT_OK(Allocate(new_size, alignment, &moved));
  std::memcpy(moved, *buffer, static_cast<size_t>(std::min(old_size, new_size)));
  Free(*buffer, old_size, alignment);
  *buffer = moved;
  return arrow::Status::OK();
}

void RecyclingPool::Free(uint8_t* buffer, int64_t size, int64_t) {
  if (size == 0) return;
  Count(-size);
  size_t index = ClassOf(size);
  if (index == kClasses) return std::free(buffer);
  int64_t class_size = kSmallestBytes << index;
  {
    std::lock_guard lock(mutex_);
    if (kept_ + class_size <= kKeptBytesMax) {
      free_[index].push_back(buffer);
      kept_ += class_size;
      return;
    }
  }
  ::munmap(buffer, static_cast<size_t>(class_size));
}

}  // namespace mms::sandbox
