#include "clients/databricks/arrow_error.h"

#include <arrow/status.h>
#include <arrow/type.h>

namespace mms::databricks {

Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return OkStatus();
  if (status.IsOutOfMemory() || status.IsCapacityError()) {
    return Error(ErrorKind::kLimitReached, "OUT_OF_MEMORY", status.ToString());
  }
  return Error(ErrorKind::kInternal, "SQL_ARROW", status.ToString());
}

Error UnsupportedType(const arrow::DataType& type) {
  return Error(ErrorKind::kUnsupported, "SQL_TYPE_UNSUPPORTED",
               "a value of type " + type.ToString() +
                   " cannot be read through SQL; cast the column in a view, or exclude it");
}

}  // namespace mms::databricks
