#include "migration/plan/splits.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <string_view>
#include <tuple>
#include <utility>

namespace mms::migration {
namespace {

using FileList = std::vector<const delta::File*>;

/// Delta protocol, "Deletion Vectors": the unique id of a vector; "" for a file
/// without one.
std::string UniqueId(const delta::File& file) {
  if (!file.deletion_vector) return "";
  const delta::DeletionVector& vector = *file.deletion_vector;
  std::string id = vector.storage_type + vector.path_or_inline;
  if (vector.offset) id += "@" + std::to_string(*vector.offset);
  return id;
}

FileList SortedByPath(FileList files) {
  std::sort(files.begin(), files.end(), [](const delta::File* a, const delta::File* b) {
    const int order = a->path.compare(b->path);
    return order != 0 ? order < 0 : UniqueId(*a) < UniqueId(*b);
  });
  return files;
}

int64_t CeilDivide(int64_t amount, int64_t by) { return amount / by + (amount % by != 0 ? 1 : 0); }

/// A part of one file; `file` is the index in path order.
struct Piece {
  size_t file = 0;
  int64_t start = 0;
  int64_t length = 0;
};

/// A file is cut into the pieces nearest to `piece_bytes`, so one little above
/// it stays whole: a cut through a row group gives all its rows to one side,
/// and the other has nothing to do.
std::vector<Piece> CutFiles(const FileList& files, int64_t piece_bytes) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < files.size(); ++i) {
    const int64_t size_bytes = files[i]->size_bytes;
    const int64_t half = piece_bytes / 2;
    const int64_t count =
        size_bytes <= piece_bytes + half ? 1 : (size_bytes + half) / piece_bytes;  // rounded
    int64_t start = 0;
    for (int64_t k = 0; k < count; ++k) {
      const int64_t length = size_bytes / count + (k < size_bytes % count ? 1 : 0);
      pieces.push_back({i, start, length});
      start += length;
    }
  }
  return pieces;
}

/// Largest first, each to the split that has least: no split ends more than one
/// piece above another.
std::vector<std::vector<Piece>> Distribute(std::vector<Piece> pieces, size_t split_count) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return std::tuple(-a.length, a.file, a.start) < std::tuple(-b.length, b.file, b.start);
  });
  using Load = std::pair<int64_t, size_t>;  // bytes, index of the split
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (size_t i = 0; i < split_count; ++i) loads.emplace(0, i);
  std::vector<std::vector<Piece>> bins(split_count);
  for (const Piece& piece : pieces) {
    const auto [bytes, index] = loads.top();
    loads.pop();
    bins[index].push_back(piece);
    loads.emplace(bytes + piece.length, index);
  }
  return bins;
}

Split MakeSplit(const FileList& files, std::vector<Piece> pieces, int64_t block_id) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return std::pair(a.file, a.start) < std::pair(b.file, b.start);
  });
  Split split;
  split.block_id = block_id;
  size_t last_file = files.size();
  for (const Piece& piece : pieces) {
    const delta::File& file = *files[piece.file];
    split.bytes += piece.length;
    // Neighbours of one file are read as one slice: one footer instead of two.
    if (piece.file == last_file) {
      FileSlice& last = split.slices.back();
      if (last.start + last.length == piece.start) {
        last.length += piece.length;
        continue;
      }
    }
    last_file = piece.file;
    split.slices.push_back({file.path,
                            file.size_bytes,
                            piece.start,
                            piece.length,
                            file.deletion_vector,
                            {},
                            file.etag});
  }
  return split;
}

}  // namespace

std::vector<Split> MakeSplits(const FileList& unsorted, const PlanOptions& options) {
  const FileList files = SortedByPath(unsorted);
  int64_t bytes = 0;
  for (const delta::File* file : files) bytes += file->size_bytes;
  const int64_t wanted = CeilDivide(bytes, std::max<int64_t>(1, options.split_bytes));
  const int64_t count = std::clamp<int64_t>(wanted, 1, std::max<int64_t>(1, options.blocks_max));
  const int64_t piece_bytes = std::max<int64_t>(1, CeilDivide(bytes, count));

  std::vector<Split> splits;
  auto bins = Distribute(CutFiles(files, piece_bytes), static_cast<size_t>(count));
  for (std::vector<Piece>& pieces : bins) {
    if (pieces.empty()) continue;
    splits.push_back(MakeSplit(files, std::move(pieces), static_cast<int64_t>(splits.size())));
  }
  return splits;
}

int64_t EstimateRowBytes(const arrow::Schema& schema) {
  constexpr int64_t kOfUnknownWidth = 32;
  int64_t bytes = 0;
  for (const auto& field : schema.fields()) {
    const int bits = field->type()->bit_width();  // -1 where values differ
    bytes += bits > 0 ? std::max(1, bits / 8) : kOfUnknownWidth;
  }
  return bytes;
}

std::string Fingerprint(const FileList& unsorted) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  const auto add = [&state](std::string_view text) {
    // The length first, so that no two lists of texts give the same bytes.
    unsigned char length[8];
    for (size_t i = 0; i < sizeof(length); ++i)
      length[i] = static_cast<unsigned char>(text.size() >> (8 * i));
    XXH3_128bits_update(&state, length, sizeof(length));
    XXH3_128bits_update(&state, text.data(), text.size());
  };
  for (const delta::File* file : SortedByPath(unsorted)) {
    add(file->path);
    add(UniqueId(*file));
    if (file->etag.empty()) continue;
    add(std::to_string(file->size_bytes));
    add(file->etag);
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(&state);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace mms::migration
