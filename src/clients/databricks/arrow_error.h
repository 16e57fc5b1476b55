// Where Arrow's own errors become ours. Arrow fails here for want of memory, or for bytes that are
// not what they should be; the latter have an error of their own where they are read.
#pragma once

#include <arrow/type_fwd.h>

#include "base/result.h"

namespace mms::databricks {

/// kLimitReached OUT_OF_MEMORY, or kInternal SQL_ARROW.
Status FromArrow(const arrow::Status& status);

/// kUnsupported SQL_TYPE_UNSUPPORTED of a type that no column of a server can become.
Error UnsupportedType(const arrow::DataType& type);

}  // namespace mms::databricks
