#include "sandbox/upsert_merge.h"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>

#include <algorithm>

namespace mms::sandbox {
namespace {

constexpr char kOperation[] = "__operation";
constexpr int8_t kUpsert = 'U';
constexpr int8_t kDelete = 'D';

Error Refused(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "InvalidArgument", what);
}

Column Extra(const std::string& name, TypeId type) {
  Column column;
  column.name = name;
  column.type.id = type;
  if (type == TypeId::kArray) {
    column.type.children.emplace_back();
    column.type.children[0].id = TypeId::kBigint;
  }
  return column;
}

const arrow::Int8Array& OperationsOf(const arrow::RecordBatch& batch) {
  return static_cast<const arrow::Int8Array&>(*batch.GetColumnByName(kOperation));
}

/// A value's bytes, the same whatever unit the file keeps instants in.
void AppendKeyPart(const arrow::Array& array, int64_t row, std::string* key) {
  auto append = [key](const void* data, size_t size) {
    key->append(static_cast<const char*>(data), size);
  };
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      auto text = static_cast<const arrow::BinaryArray&>(array).GetView(row);
      size_t size = text.size();  // in front, so that no value can reach into the next one
      append(&size, sizeof size);
      return append(text.data(), size);
    }
    case arrow::Type::BOOL:
      key->push_back(static_cast<const arrow::BooleanArray&>(array).Value(row) ? 1 : 0);
      return;
    case arrow::Type::TIMESTAMP: {
      __int128 value = static_cast<const arrow::TimestampArray&>(array).Value(row);
      bool micros =
          static_cast<const arrow::TimestampType&>(*array.type()).unit() == arrow::TimeUnit::MICRO;
      if (micros) value *= 1'000;
      return append(&value, sizeof value);
    }
    default: {
      auto bytes = static_cast<size_t>(array.type()->bit_width() / 8);
      const uint8_t* values = array.data()->buffers[1]->data();
      return append(values + static_cast<size_t>(array.offset() + row) * bytes, bytes);
    }
  }
}

/// The rows that `keep` names, to `out`.
Status WriteKept(const arrow::RecordBatch& batch, const std::vector<bool>& keep, BlockFile* out) {
  if (std::all_of(keep.begin(), keep.end(), [](bool kept) { return kept; })) {
    return out->Write(batch);
  }
  arrow::BooleanBuilder mask;
  std::shared_ptr<arrow::Array> chosen;
  auto status = mask.AppendValues(keep);
  if (status.ok()) status = mask.Finish(&chosen);
  if (!status.ok()) return Error(ErrorKind::kInternal, "InternalServerError", status.message());
  auto filtered = arrow::compute::Filter(arrow::Datum(batch.Slice(0)), arrow::Datum(chosen));
  if (!filtered.ok()) {
    return Error(ErrorKind::kInternal, "InternalServerError", filtered.status().message());
  }
  return out->Write(*filtered->record_batch());
}

int64_t RowsOf(const std::vector<RowRange::Part>& parts) {
  int64_t rows = 0;
  for (const RowRange::Part& part : parts) rows += part.rows;
  return rows;
}

}  // namespace

Table UpsertTable(const Table& table) {
  Table wide = table;
  for (Column& column : wide.columns) column.nullable = true;
  wide.columns.push_back(Extra("__version", TypeId::kBigint));
  wide.columns.push_back(Extra("__app_version", TypeId::kBigint));
  wide.columns.push_back(Extra(kOperation, TypeId::kTinyint));
  wide.columns.push_back(Extra("__key_cols", TypeId::kArray));
  wide.columns.push_back(Extra("__value_cols", TypeId::kArray));
  return wide;
}

Status CheckUpserts(const Table& table, const arrow::RecordBatch& batch) {
  const arrow::Int8Array& operations = OperationsOf(batch);
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    int8_t operation = operations.IsNull(row) ? int8_t{0} : operations.Value(row);
    if (operation != kUpsert && operation != kDelete) {
      return Refused("__operation must be 'U' or 'D'");
    }
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const Column& column = table.columns[i];
      bool key = std::find(table.primary_key.begin(), table.primary_key.end(), column.name) !=
                 table.primary_key.end();
      bool needed = key || (operation == kUpsert && !column.nullable);
      if (needed && batch.column(static_cast<int>(i))->IsNull(row)) {
        return Refused("column " + column.name + " is NOT NULL, a record holds a null");
      }
    }
  }
  return OkStatus();
}

UpsertMerge::UpsertMerge(const Table& table) : table_(table) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    bool key = std::find(table.primary_key.begin(), table.primary_key.end(),
                         table.columns[i].name) != table.primary_key.end();
    if (key) key_columns_.push_back(static_cast<int>(i));
  }
}

std::string UpsertMerge::KeyOf(const arrow::RecordBatch& batch, int64_t row) const {
  std::string key;
  for (int column : key_columns_) AppendKeyPart(*batch.column(column), row, &key);
  return key;
}

Status UpsertMerge::Run(const std::vector<RowRange::Part>& present,
                        const std::vector<RowRange::Part>& changes, BlockFile* out) {
  auto change_schema = UpsertTable(table_).ArrowSchema();
  RowRange change_range{changes, 0, RowsOf(changes)};
  int64_t number = 0;
  TRY_VOID(ReadRows(change_range, change_schema, [&](const arrow::RecordBatch& batch) -> Status {
    for (int64_t row = 0; row < batch.num_rows(); ++row) last_[KeyOf(batch, row)] = number++;
    return OkStatus();
  }));
  RowRange present_range{present, 0, RowsOf(present)};
  auto keep_others = [&](const arrow::RecordBatch& batch) -> Status {
    std::vector<bool> keep(static_cast<size_t>(batch.num_rows()));
    for (size_t row = 0; row < keep.size(); ++row) {
      keep[row] = !last_.contains(KeyOf(batch, static_cast<int64_t>(row)));
    }
    return WriteKept(batch, keep, out);
  };
  TRY_VOID(ReadRows(present_range, table_.ArrowSchema(), keep_others));
  number = 0;
  std::vector<int> own_columns(table_.columns.size());
  for (size_t i = 0; i < own_columns.size(); ++i) own_columns[i] = static_cast<int>(i);
  return ReadRows(change_range, change_schema, [&](const arrow::RecordBatch& batch) -> Status {
    const arrow::Int8Array& operations = OperationsOf(batch);
    std::vector<bool> keep(static_cast<size_t>(batch.num_rows()));
    for (size_t i = 0; i < keep.size(); ++i) {
      auto row = static_cast<int64_t>(i);
      bool is_last = last_[KeyOf(batch, row)] == number++;
      keep[i] = is_last && operations.Value(row) == kUpsert;
    }
    auto own = batch.SelectColumns(own_columns);
    if (!own.ok()) {
      return Error(ErrorKind::kInternal, "InternalServerError", own.status().message());
    }
    return WriteKept(**own, keep, out);
  });
}

}  // namespace mms::sandbox
