#include "clients/databricks/type_shape.h"

#include <arrow/array.h>
#include <arrow/type.h>

namespace mms::databricks {
namespace {

std::shared_ptr<arrow::ArrayData> Relabel(const arrow::ArrayData& data,
                                          const std::shared_ptr<arrow::DataType>& type) {
  std::shared_ptr<arrow::ArrayData> copy = data.Copy();
  copy->type = type;
  for (size_t i = 0; i < copy->child_data.size(); ++i) {
    copy->child_data[i] = Relabel(*copy->child_data[i], type->field(static_cast<int>(i))->type());
  }
  return copy;
}

}  // namespace

bool IsNested(const arrow::DataType& type) {
  return type.id() == arrow::Type::LIST || type.id() == arrow::Type::MAP ||
         type.id() == arrow::Type::STRUCT;
}

std::shared_ptr<arrow::DataType> MapLeaves(
    const std::shared_ptr<arrow::DataType>& type,
    const std::function<std::shared_ptr<arrow::DataType>(const std::shared_ptr<arrow::DataType>&)>&
        leaf) {
  if (!IsNested(*type)) return leaf(type);
  arrow::FieldVector fields;
  for (const auto& field : type->fields()) {
    const auto inner = MapLeaves(field->type(), leaf);
    if (inner == nullptr) return nullptr;
    fields.push_back(field->WithType(inner));
  }
  if (type->id() == arrow::Type::LIST) return arrow::list(fields[0]);
  if (type->id() == arrow::Type::STRUCT) return arrow::struct_(fields);
  const arrow::FieldVector& entry = fields[0]->type()->fields();
  return std::make_shared<arrow::MapType>(entry[0], entry[1]);
}

std::shared_ptr<arrow::Array> WithType(const arrow::Array& array,
                                       const std::shared_ptr<arrow::DataType>& type) {
  return arrow::MakeArray(Relabel(*array.data(), type));
}

}  // namespace mms::databricks
