// Rows for tests, in the forms in which a SQL server sends them.
#pragma once

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/api.h>
#include <arrow/util/compression.h>
#include <tcli_service_types.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace mms::databricks {

/// A column's description: name and TTypeId.
inline tcli::TColumnDesc Described(const std::string& name, int type) {
  tcli::TPrimitiveTypeEntry primitive;
  primitive.type = type;
  tcli::TTypeEntry entry;
  entry.__set_primitiveEntry(primitive);
  tcli::TColumnDesc column;
  column.columnName = name;
  column.typeDesc.types.push_back(entry);
  return column;
}

inline tcli::TColumnDesc DescribedDecimal(const std::string& name, int precision, int scale) {
  tcli::TColumnDesc column = Described(name, tcli::TTypeId::DECIMAL);
  tcli::TTypeQualifiers digits;
  digits.qualifiers["precision"].__set_i32Value(precision);
  digits.qualifiers["scale"].__set_i32Value(scale);
  column.typeDesc.types[0].primitiveEntry.__set_typeQualifiers(digits);
  return column;
}

/// One BIGINT column: first, first + 1, ...
inline tcli::TColumn NumberColumn(int64_t first, int64_t rows) {
  tcli::TI64Column numbers;
  for (int64_t i = 0; i < rows; ++i) numbers.values.push_back(first + i);
  tcli::TColumn column;
  column.__set_i64Val(numbers);
  return column;
}

inline tcli::TColumn TextColumn(std::vector<std::string> values, std::string nulls = "") {
  tcli::TStringColumn texts;
  texts.values = std::move(values);
  texts.nulls = std::move(nulls);
  tcli::TColumn column;
  column.__set_stringVal(texts);
  return column;
}

/// A batch of one BIGINT column "id": first, first + 1, ...
inline std::shared_ptr<arrow::RecordBatch> NumberBatch(int64_t first, int64_t rows) {
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < rows; ++i) CHECK(builder.Append(first + i).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64())}), rows,
                                  {*builder.Finish()});
}

inline std::string ArrowSchemaMessage(const arrow::Schema& schema) {
  return (*arrow::ipc::SerializeSchema(schema))->ToString();
}

/// A batch's messages without the schema.
inline std::string ArrowBatchMessages(const arrow::RecordBatch& batch) {
  return (*arrow::ipc::SerializeRecordBatch(batch, arrow::ipc::IpcWriteOptions::Defaults()))
      ->ToString();
}

/// A whole IPC stream.
inline std::string ArrowStream(const arrow::RecordBatch& batch) {
  const auto sink = *arrow::io::BufferOutputStream::Create();
  const auto writer = *arrow::ipc::MakeStreamWriter(sink, batch.schema());
  CHECK(writer->WriteRecordBatch(batch).ok() && writer->Close().ok());
  return (*sink->Finish())->ToString();
}

inline std::string Lz4Frame(const std::string& bytes) {
  const auto codec = *arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME);
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto size = static_cast<int64_t>(bytes.size());
  std::string frame(static_cast<size_t>(codec->MaxCompressedLen(size, data)), '\0');
  const int64_t length = *codec->Compress(size, data, static_cast<int64_t>(frame.size()),
                                          reinterpret_cast<uint8_t*>(frame.data()));
  frame.resize(static_cast<size_t>(length));
  return frame;
}

}  // namespace mms::databricks
