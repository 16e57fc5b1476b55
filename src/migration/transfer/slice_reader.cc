#include "migration/transfer/slice_reader.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/io/caching.h>
#include <arrow/io/memory.h>
#include <arrow/record_batch.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include <algorithm>

#include "migration/transfer/calendar.h"
#include "migration/transfer/fit.h"

namespace mms::migration {
namespace {

constexpr int64_t kWholeFileMaxBytes = 4LL << 20;  // one request instead of three or more
constexpr int64_t kRangeBytes = 8LL << 20;         // of one read-ahead request
constexpr int64_t kRangeHoleBytes = 256LL << 10;  // a smaller gap is read along with its neighbours
constexpr int64_t kBatchRowsMin = 1024;
constexpr int64_t kBatchRowsMax = 131072;

int64_t MiddleByte(const parquet::RowGroupMetaData& group) {
  int64_t first = INT64_MAX;
  for (int i = 0; i < group.num_columns(); ++i) {
    const auto column = group.ColumnChunk(i);
    int64_t offset = column->data_page_offset();
    if (column->has_dictionary_page() && column->dictionary_page_offset() > 0) {
      offset = std::min(offset, column->dictionary_page_offset());
    }
    first = std::min(first, offset);
  }
  return first + group.total_compressed_size() / 2;
}

void AddLeaves(const parquet::arrow::SchemaField& field, std::vector<int>* leaves) {
  if (field.is_leaf()) leaves->push_back(field.column_index);
  for (const auto& child : field.children) AddLeaves(child, leaves);
}

/// Turns exceptions of parquet-cpp, which only its low-level calls throw, into errors.
template <class Call>
auto Guard(const std::string& file, Call&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& thrown) {
    return azure::FromArrow(arrow::Status::IOError(thrown.what()), file);
  }
}

}  // namespace

struct SliceReader::State {
  const ReadContext* context = nullptr;
  std::string file;  ///< for errors
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::unique_ptr<arrow::RecordBatchReader> batches;
  std::vector<int> column_of;     ///< index in the file's batch per table column, -1 = absent
  std::vector<uint64_t> deleted;  ///< positions in the file, ascending
  size_t deleted_at = 0;
  Calendars calendars;
  std::vector<bool> int96;  ///< of each column of the file's batch: holds some
  FieldMatch match = FieldMatch::kName;
  int64_t position = 0;  ///< of the next row in the file
  int64_t rows_total = 0;
  int64_t rows_read = 0;
  int64_t rows_deleted = 0;

  Status OpenReader(const FileSlice& slice);
  Status ChooseRows(const FileSlice& slice, std::vector<int>* groups);
  Result<std::vector<int>> ChooseColumns();
  Result<std::shared_ptr<arrow::RecordBatch>> Shape(const arrow::RecordBatch& batch);
  Result<std::shared_ptr<arrow::RecordBatch>> DropDeleted(
      std::shared_ptr<arrow::RecordBatch> batch);
  Result<std::shared_ptr<arrow::Array>> Column(const arrow::RecordBatch& batch, int index) const;
};

Status SliceReader::State::OpenReader(const FileSlice& slice) {
  TRY(const azure::Location location, azure::ResolveFile(context->plan->location, slice.path));
  file = azure::ToText(location);
  TRY(auto input, context->storage->OpenFile(location, slice.size_bytes, slice.etag));
  const bool whole = slice.size_bytes <= kWholeFileMaxBytes;
  if (whole) {
    auto bytes = input->ReadAt(0, slice.size_bytes);
    if (!bytes.ok()) return azure::FromArrow(bytes.status(), file);
    if ((*bytes)->size() != slice.size_bytes) {
      return Error(ErrorKind::kCorrupt, "FILE_INVALID",
                   file + " has " + std::to_string((*bytes)->size()) +
                       " bytes, the Delta log says " + std::to_string(slice.size_bytes));
    }
    input = std::make_shared<arrow::io::BufferReader>(*bytes);
  }
  parquet::arrow::FileReaderBuilder builder;
  const arrow::Status opened = builder.Open(input);
  if (!opened.ok()) return azure::FromArrow(opened, file);
  const auto metadata = builder.raw_reader()->metadata();
  int64_t bytes = 0;
  for (int i = 0; i < metadata->num_row_groups(); ++i)
    bytes += metadata->RowGroup(i)->total_byte_size();
  const int64_t row_bytes =
      std::max<int64_t>(1, bytes / std::max<int64_t>(1, metadata->num_rows()));
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_batch_size(
      std::clamp(context->batch_bytes / row_bytes, kBatchRowsMin, kBatchRowsMax));
  properties.set_pre_buffer(!whole);
  arrow::io::CacheOptions cache = arrow::io::CacheOptions::Defaults();
  cache.hole_size_limit = kRangeHoleBytes;
  cache.range_size_limit = kRangeBytes;
  properties.set_cache_options(cache);
  // Spark writes INT96 in microseconds; Arrow's default, nanoseconds, would wrap outside 1677 to
  // 2262.
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  const arrow::Status built = builder.properties(properties)->Build(&reader);
  if (!built.ok()) return azure::FromArrow(built, file);
  calendars = CalendarsOf(metadata->key_value_metadata().get());
  return OkStatus();
}

Status SliceReader::State::ChooseRows(const FileSlice& slice, std::vector<int>* groups) {
  const auto metadata = reader->parquet_reader()->metadata();
  int64_t before = 0;
  for (int i = 0; i < metadata->num_row_groups(); ++i) {
    const auto group = metadata->RowGroup(i);
    // Within the file whatever its footer says: some slice has to take the row group.
    const int64_t middle =
        std::clamp<int64_t>(MiddleByte(*group), 0, std::max<int64_t>(0, slice.size_bytes - 1));
    const bool all = slice.start == 0 && slice.length >= slice.size_bytes;
    if (all || (middle >= slice.start && middle < slice.start + slice.length)) {
      if (groups->empty()) position = before;
      if (!groups->empty() && groups->back() != i - 1) {
        return Error(
            ErrorKind::kCorrupt, "FILE_INVALID",
            file + ": its row groups do not follow one another; rewrite the table (OPTIMIZE)");
      }
      groups->push_back(i);
      rows_total += group->num_rows();
    }
    before += group->num_rows();
  }
  if (slice.deletion_vector) {
    TRY(deleted, context->read_deletion_vector(*slice.deletion_vector));
    if (static_cast<int64_t>(deleted.size()) != slice.deletion_vector->cardinality) {
      return Error(ErrorKind::kCorrupt, "DELETION_VECTOR",
                   file + ": its deletion vector has " + std::to_string(deleted.size()) +
                       " positions, the Delta log says " +
                       std::to_string(slice.deletion_vector->cardinality));
    }
    deleted_at = static_cast<size_t>(
        std::lower_bound(deleted.begin(), deleted.end(), static_cast<uint64_t>(position)) -
        deleted.begin());
  }
  return OkStatus();
}

Result<std::vector<int>> SliceReader::State::ChooseColumns() {
  const auto& fields = reader->manifest().schema_fields;
  arrow::FieldVector have;
  for (const auto& field : fields) have.push_back(field.field);
  if (context->plan->format != kDeltaFormat) {
    match = FieldMatch::kAnyCase;
  } else if (context->plan->column_mapping == "id") {
    match = FieldMatch::kId;
  }
  std::vector<int>
      wanted;  // top-level indices of the file, in file order: the order of its batches
  std::vector<int> found;
  for (const auto& field : context->plan->physical->fields()) {
    TRY(const int index, FindField(have, *field, match));
    found.push_back(index);
    if (found.back() >= 0) wanted.push_back(found.back());
  }
  std::sort(wanted.begin(), wanted.end());
  std::vector<int> leaves;
  const parquet::SchemaDescriptor& schema = *reader->parquet_reader()->metadata()->schema();
  for (const int index : wanted) {
    const size_t before = leaves.size();
    AddLeaves(fields[static_cast<size_t>(index)], &leaves);
    // A file has its instants in one form.
    int96.push_back(std::any_of(
        leaves.begin() + static_cast<ptrdiff_t>(before), leaves.end(),
        [&](int leaf) { return schema.Column(leaf)->physical_type() == parquet::Type::INT96; }));
  }
  for (const int index : found) {
    const auto at = std::lower_bound(wanted.begin(), wanted.end(), index);
    column_of.push_back(index < 0 ? -1 : static_cast<int>(at - wanted.begin()));
  }
  return leaves;
}

Result<std::unique_ptr<RowReader>> SliceReader::Open(const ReadContext& context,
                                                     const FileSlice& slice) {
  auto state = std::make_unique<State>();
  state->context = &context;
  state->file = slice.path;
  State* raw = state.get();
  TRY_VOID(Guard(raw->file, [&]() -> Status {
    TRY_VOID(raw->OpenReader(slice));
    std::vector<int> groups;
    TRY_VOID(raw->ChooseRows(slice, &groups));
    TRY(const std::vector<int> leaves, raw->ChooseColumns());
    if (groups.empty() || leaves.empty()) return OkStatus();
    auto batches = raw->reader->GetRecordBatchReader(groups, leaves);
    if (!batches.ok()) return azure::FromArrow(batches.status(), raw->file);
    raw->batches = *std::move(batches);
    return OkStatus();
  }));
  return std::unique_ptr<RowReader>(new SliceReader(std::move(state)));
}

Result<std::shared_ptr<arrow::Array>> SliceReader::State::Column(const arrow::RecordBatch& batch,
                                                                 int index) const {
  if (!calendars.any()) return batch.column(index);
  auto read = FromHybrid(batch.column(index), calendars, int96[static_cast<size_t>(index)]);
  if (!read) {
    return std::move(read).error().At("column " + batch.schema()->field(index)->name()).At(file);
  }
  return read;
}

Result<std::shared_ptr<arrow::RecordBatch>> SliceReader::State::Shape(
    const arrow::RecordBatch& batch) {
  const auto& wanted = context->plan->physical;
  arrow::ArrayVector columns;
  for (int i = 0; i < wanted->num_fields(); ++i) {
    const int index = column_of[static_cast<size_t>(i)];
    if (index < 0) {
      auto nulls = arrow::MakeArrayOfNull(wanted->field(i)->type(), batch.num_rows());
      if (!nulls.ok()) return azure::FromArrow(nulls.status(), file);
      columns.push_back(*std::move(nulls));
      continue;
    }
    TRY(const auto column, Column(batch, index));
    auto fitted = FitArray(column, batch.schema()->field(index), wanted->field(i), match);
    if (!fitted) return std::move(fitted).error().At(file);
    columns.push_back(*std::move(fitted));
  }
  return arrow::RecordBatch::Make(wanted, batch.num_rows(), std::move(columns));
}

Result<std::shared_ptr<arrow::RecordBatch>> SliceReader::State::DropDeleted(
    std::shared_ptr<arrow::RecordBatch> batch) {
  const auto start = static_cast<uint64_t>(position);
  const uint64_t end = start + static_cast<uint64_t>(batch->num_rows());
  size_t last = deleted_at;
  while (last < deleted.size() && deleted[last] < end) ++last;
  const size_t count = last - deleted_at;
  if (count == 0) return batch;
  arrow::BooleanBuilder keep;
  arrow::Status status = keep.Reserve(batch->num_rows());
  for (uint64_t at = start; at < end && status.ok(); ++at) {
    const bool gone = deleted_at < last && deleted[deleted_at] == at;
    if (gone) ++deleted_at;
    keep.UnsafeAppend(!gone);
  }
  CHECK(deleted_at == last);
  rows_deleted += static_cast<int64_t>(count);
  auto mask = keep.Finish();
  if (!mask.ok()) return azure::FromArrow(mask.status(), file);
  auto kept = arrow::compute::Filter(arrow::Datum(batch), arrow::Datum(*mask));
  if (!kept.ok()) return azure::FromArrow(kept.status(), file);
  return kept->record_batch();
}

Result<std::shared_ptr<arrow::RecordBatch>> SliceReader::Next() {
  State& state = *state_;
  return Guard(state.file, [&]() -> Result<std::shared_ptr<arrow::RecordBatch>> {
    std::shared_ptr<arrow::RecordBatch> batch;
    if (state.batches) {
      const arrow::Status read = state.batches->ReadNext(&batch);
      if (!read.ok()) return azure::FromArrow(read, state.file);
    } else if (state.rows_read < state.rows_total) {
      // No column of the table is in this file (all were added later): its rows are all NULL.
      const int64_t rows = std::min(kBatchRowsMax, state.rows_total - state.rows_read);
      batch = arrow::RecordBatch::Make(arrow::schema({}), rows, arrow::ArrayVector{});
    }
    if (!batch) {
      if (state.rows_read != state.rows_total) {
        return Error(ErrorKind::kCorrupt, "FILE_INVALID",
                     state.file + ": " + std::to_string(state.rows_read) +
                         " rows read, its footer says " + std::to_string(state.rows_total));
      }
      return std::shared_ptr<arrow::RecordBatch>();
    }
    TRY(auto shaped, state.Shape(*batch));
    TRY(auto kept, state.DropDeleted(std::move(shaped)));
    state.position += batch->num_rows();
    state.rows_read += batch->num_rows();
    return kept;
  });
}

SliceReader::SliceReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
SliceReader::~SliceReader() = default;
int64_t SliceReader::rows_total() const { return state_->rows_total; }
int64_t SliceReader::rows_read() const { return state_->rows_read; }
int64_t SliceReader::rows_deleted() const { return state_->rows_deleted; }

}  // namespace mms::migration
