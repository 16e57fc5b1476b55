// The rows of one split as Tunnel wants them: slices one after another, each batch converted to the
// target's Arrow form and hashed: as typed source values, or as what was written where that is
// another type or value. The next slice is opened while this one is sent.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/tunnel.h"
#include "migration/checksum/checksum.h"
#include "migration/transfer/convert.h"
#include "migration/transfer/row_reader.h"
#include "migration/transfer/slice_reader.h"

namespace mms::migration {

class SplitSource : public maxcompute::BatchSource {
 public:
  struct Options {
    bool checksum = true;
    bool record_form = false;  ///< timestamps in microseconds, as a record block takes them
    /// Rows and source bytes since the last call; called for each batch.
    std::function<void(int64_t rows, int64_t source_bytes)> on_progress;
  };
  /// `context` and `split` outlive the source.
  SplitSource(const ReadContext& context, const Split& split, Options options);
  ~SplitSource() override;

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override;

  int64_t rows() const { return rows_; }
  int64_t rows_deleted() const { return rows_deleted_; }
  const Checksum& checksum() const { return hasher_.checksum(); }
  /// What the policies changed so far.
  ValueChanges changes() const;

 private:
  using Opened = Result<std::unique_ptr<RowReader>>;
  Status OpenNext();
  Result<std::shared_ptr<arrow::RecordBatch>> Convert(const arrow::RecordBatch& batch);
  /// The column's values as the source has them.
  Result<std::shared_ptr<arrow::Array>> Values(size_t column, const arrow::RecordBatch& batch);
  void Report(int64_t rows_read);

  const ReadContext& context_;
  const Split& split_;
  Options options_;
  std::shared_ptr<arrow::Schema> target_;
  std::vector<std::optional<int>> char_lengths_;  ///< of CHAR(n) columns
  std::vector<ColumnConverter> converters_;       ///< a column each
  std::unique_ptr<RowReader> reader_;
  std::future<Opened> ahead_;
  size_t next_slice_ = 0;
  int64_t slice_bytes_reported_ = 0;
  int64_t rows_ = 0;
  int64_t rows_deleted_ = 0;
  Hasher hasher_;
};

}  // namespace mms::migration
