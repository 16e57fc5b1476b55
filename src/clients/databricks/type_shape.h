// What a nested Arrow type has in common with another, and giving an array the other's type. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <functional>
#include <memory>

namespace mms::databricks {

/// LIST, MAP and STRUCT: what a server's nested values become.
bool IsNested(const arrow::DataType& type);

/// The type with `leaf` in place of each type that is not nested; null when `leaf` gives null once.
std::shared_ptr<arrow::DataType> MapLeaves(
    const std::shared_ptr<arrow::DataType>& type,
    const std::function<std::shared_ptr<arrow::DataType>(const std::shared_ptr<arrow::DataType>&)>&
        leaf);

/// The same buffers under another type, which must lay values out alike.
std::shared_ptr<arrow::Array> WithType(const arrow::Array& array,
                                       const std::shared_ptr<arrow::DataType>& type);

}  // namespace mms::databricks
