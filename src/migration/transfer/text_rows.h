// The rows of one slice of a text file, whatever a record looks like. A line belongs to the slice
// in which its first byte lies; a file that cannot be entered in its middle (compressed, or with
// records over many lines) belongs whole to the slice that has its first byte. One thread; memory
// is bounded by two chunks, the longest record and one batch.
//
// A record that is malformed, or a value that is none of its column's type, is an error with the
// file and the byte: Spark's modes make NULLs of such without a word, or leave the row out.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "migration/transfer/row_reader.h"
#include "migration/transfer/slice_reader.h"
#include "migration/transfer/text_input.h"

namespace mms::migration {

class TextRows : public RowReader {
 public:
  TextRows(const ReadContext& context, const FileSlice& slice);
  ~TextRows() override;

  /// `many_lines`: a record may hold the end of a line. `header`: the first record of the file is
  /// none. Errors: kCorrupt FILE_ROW_INVALID, FILE_VALUE_INVALID, here and from Next;
  /// TextInput::Open's.
  Status Open(bool many_lines, bool header);

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override;
  /// A guess by the bytes until the end: nothing tells it before.
  int64_t rows_total() const override;
  int64_t rows_read() const override { return rows_read_; }
  int64_t rows_deleted() const override { return 0; }

 protected:
  enum class Cut { kRecord, kBlank, kNeedsMore, kMalformed };

  /// Cuts the first record of `text`; `at_end`: nothing follows it. `length`: set to its bytes with
  /// the end of its line, unless it needs more.
  virtual Cut CutRecord(std::string_view text, bool at_end, size_t* length) = 0;
  virtual std::string CutProblem() const = 0;  ///< after kMalformed
  /// Appends the record that was cut to `builder`.
  virtual Status AppendRow() = 0;

  const TablePlan& plan() const { return *context_.plan; }
  arrow::StructBuilder& builder() { return *builder_; }  ///< of the plan's columns
  Error RowInvalid(const std::string& what) const;
  Error ValueInvalid(const std::string& what) const;

 private:
  Error AtRow(const char* code, const std::string& what) const;
  Result<bool> Fill();
  Status Enter(bool header);
  Status SkipLine();
  Result<bool> NextRecord();
  std::string_view rest() const { return std::string_view(window_).substr(at_); }
  void Consume(size_t bytes);

  const ReadContext& context_;
  const FileSlice& slice_;
  std::unique_ptr<TextInput> input_;
  std::unique_ptr<arrow::StructBuilder> builder_;
  std::string window_;  ///< text that was fetched and is not all read
  size_t at_ = 0;       ///< in window_
  size_t length_ = 0;   ///< of the record that was cut
  bool packed_ = false;
  bool at_end_ = false;   ///< window_ holds the last of the file
  bool ended_ = false;    ///< no row is left
  int64_t position_ = 0;  ///< of the next record in the text
  int64_t end_ = 0;       ///< records that begin here or later are another slice's
  int64_t rows_read_ = 0;
  int64_t read_bytes_ = 0;
};

}  // namespace mms::migration
