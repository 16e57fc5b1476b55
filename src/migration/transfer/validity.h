// The validity bits of an array as they stand for its own rows. StructArray::field() takes the
// array's offset off its children, so a struct that is built anew from them needs its bits moved
// along.
#pragma once

#include <arrow/array.h>
#include <arrow/util/bitmap_ops.h>

#include <memory>

#include "base/result.h"

namespace mms::migration {

/// nullptr = all valid. Copies only when the array has an offset.
inline Result<std::shared_ptr<arrow::Buffer>> RebasedValidity(const arrow::Array& array) {
  if (array.null_bitmap_data() == nullptr || array.offset() == 0) return array.null_bitmap();
  auto moved = arrow::internal::CopyBitmap(arrow::default_memory_pool(), array.null_bitmap_data(),
                                           array.offset(), array.length());
  if (!moved.ok()) return Error(ErrorKind::kInternal, "ARROW", moved.status().ToString());
  return *std::move(moved);
}

}  // namespace mms::migration
