#include "terminal/output_file.h"

#include <utility>

namespace mms::terminal {
namespace {

constexpr size_t kBufferBytes = 1 << 16;

}  // namespace

Result<OutputFile> OutputFile::Open(const std::string& path, Output* output) {
  if (path.empty()) return OutputFile(std::nullopt, output);
  TRY(NewFile file, NewFile::Create(path));
  return OutputFile(std::move(file), output);
}

Status OutputFile::Write(std::string_view text) {
  if (file_) return file_->Write(text);
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) output_->Result(std::exchange(buffer_, ""));
  return OkStatus();
}

Status OutputFile::Commit() {
  if (file_) return file_->Commit();
  output_->Result(std::exchange(buffer_, ""));
  return OkStatus();
}

}  // namespace mms::terminal
