// Memory for Arrow data that comes and goes block by block: large pieces are kept and used again,
// whichever thread freed them. A fresh page costs the kernel far more than filling it (measured on
// a virtual machine: 160 MB/s for fresh pages against several GB/s), and a thread pool would
// otherwise keep a heap per thread. Thread-safe. One per process, never destroyed, so that no
// buffer outlives it.
#pragma once

#include <arrow/memory_pool.h>

#include <array>
#include <atomic>
#include <mutex>
#include <vector>

namespace mms::sandbox {

class RecyclingPool : public arrow::MemoryPool {
 public:
  static RecyclingPool* Get();

  RecyclingPool() = default;
  ~RecyclingPool() override;
  RecyclingPool(const RecyclingPool&) = delete;
  RecyclingPool& operator=(const RecyclingPool&) = delete;

  using arrow::MemoryPool::Allocate;
  using arrow::MemoryPool::Free;
  using arrow::MemoryPool::Reallocate;
  arrow::Status Allocate(int64_t size, int64_t alignment, uint8_t** out) override;
  arrow::Status Reallocate(int64_t old_size, int64_t new_size, int64_t alignment,
                           uint8_t** buffer) override;
  void Free(uint8_t* buffer, int64_t size, int64_t alignment) override;

  int64_t bytes_allocated() const override { return in_use_; }
  int64_t max_memory() const override { return peak_; }
  int64_t total_bytes_allocated() const override { return total_; }
  int64_t num_allocations() const override { return count_; }
  std::string backend_name() const override { return "recycling"; }

  /// Bytes kept for the next allocation.
  int64_t bytes_kept() const { return kept_; }
  static constexpr int64_t kKeptBytesMax = 192 << 20;

 private:
  /// Size classes: powers of two from 128 KiB up; smaller pieces go to the C heap.
  static constexpr int64_t kSmallestBytes = 128 << 10;
  static constexpr size_t kClasses = 16;
  static constexpr int64_t kLargestBytes = kSmallestBytes << (kClasses - 1);

  static size_t ClassOf(int64_t size);
  void Count(int64_t change);

  std::mutex mutex_;
  std::array<std::vector<uint8_t*>, kClasses> free_;
  std::atomic<int64_t> kept_ = 0;
  std::atomic<int64_t> in_use_ = 0;
  std::atomic<int64_t> peak_ = 0;
  std::atomic<int64_t> total_ = 0;
  std::atomic<int64_t> count_ = 0;
};

}  // namespace mms::sandbox
